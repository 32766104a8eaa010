"""The tools that are selected get their hooks; the files of all others lose them."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.adapter.spec import HookEntry
from carryover.agents.claude_code.spec import SPEC as CLAUDE
from carryover.agents.codex.spec import SPEC as CODEX
from carryover.edits.agent_settings import AgentSettings, plan_settings
from carryover.edits.apply import apply
from carryover.edits.hooks import HookFile, hooks_of, owner_by_script
from carryover.edits.record import load_record
from carryover.edits.user_text import Origin
from carryover.paths import StateDir

HOOKS = (HookEntry(event="SessionStart", matcher="startup", timeout_s=5), HookEntry(event="Stop", timeout_s=5))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


@pytest.fixture
def script(state: StateDir) -> Path:
    return state.hook_script


def claude(config: Path, hooks: tuple[HookEntry, ...] = HOOKS) -> AgentSettings:
    return AgentSettings(CLAUDE, config, hooks=hooks)


def codex(place: HookFile) -> AgentSettings:
    return AgentSettings(CODEX, place.path, place.form, HOOKS)


def set_up(tools: list[AgentSettings], state: StateDir, script: Path) -> list[tuple[str, str]]:
    """Path and outcome of each edit."""
    edits = plan_settings(tools, load_record(state), script)
    return [(done.edit.path.name, done.outcome) for done in apply(edits, state)]


def events(config: Path, script: Path) -> list[str]:
    return [
        found.hook.event for found in hooks_of(config.read_bytes(), owner_by_script(script)) if found.owner == "ours"
    ]


def test_hooks_are_written_and_a_second_run_changes_no_byte(tmp_path: Path, state: StateDir, script: Path) -> None:
    config = tmp_path / "settings.json"
    config.write_text('{"model": "opus"}\n')

    assert set_up([claude(config)], state, script) == [("settings.json", "changed")]
    after, record = config.read_bytes(), load_record(state)
    assert set_up([claude(config)], state, script) == [("settings.json", "unchanged")]

    assert (events(config, script), config.read_bytes(), load_record(state)) == (
        ["SessionStart", "Stop"],
        after,
        record,
    )


def test_a_tool_that_is_not_selected_any_more_gets_its_file_back(tmp_path: Path, state: StateDir, script: Path) -> None:
    config = tmp_path / "settings.json"
    config.write_text('{"hooks": {"Stop": []}}')
    set_up([claude(config)], state, script)

    assert set_up([claude(config, ())], state, script) == [("settings.json", "changed")]
    assert (config.read_text(), load_record(state).files) == ('{"hooks": {"Stop": []}}', ())


def test_settings_that_moved_take_the_hooks_along(tmp_path: Path, state: StateDir, script: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new" / "new.json"
    set_up([claude(old)], state, script)

    assert set_up([claude(new)], state, script) == [("new.json", "created"), ("old.json", "removed")]
    assert (old.exists(), events(new, script)) == (False, ["SessionStart", "Stop"])


def test_another_way_to_the_same_file_takes_nothing_away(tmp_path: Path, state: StateDir, script: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    set_up([claude(tmp_path / "real" / "s.json")], state, script)

    assert set_up([claude(tmp_path / "link" / "s.json")], state, script) == [("s.json", "unchanged")]
    [entry] = load_record(state).files
    assert (entry.path, entry.origin) == (str(tmp_path / "link" / "s.json"), Origin(missing=True))


def test_a_state_folder_that_moved_leaves_no_old_hooks_behind(tmp_path: Path, state: StateDir, script: Path) -> None:
    config = tmp_path / "settings.json"
    set_up([claude(config)], state, script)
    moved = StateDir(state.root.rename(tmp_path / "elsewhere"))
    new_script = moved.hook_script

    set_up([claude(config)], moved, new_script)

    assert (events(config, new_script), events(config, script)) == (["SessionStart", "Stop"], [])
    assert load_record(moved).files[0].origin == Origin(missing=True)


def test_one_tools_settings_that_do_not_parse_stop_no_other(tmp_path: Path, state: StateDir, script: Path) -> None:
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    bad.write_text("{,}")
    tools = [claude(bad), AgentSettings(CODEX, good, hooks=HOOKS)]

    edits = plan_settings(tools, load_record(state), script)
    apply(edits, state)

    assert edits[0].problem is not None
    assert edits[0].problem.startswith(f"{bad} is left alone: it is not valid JSON (line 1, column 2:")
    assert edits[0].problem.endswith("Fix that, then run `carryover refresh`.")
    assert (bad.read_text(), events(good, script), len(load_record(state).files)) == (
        "{,}",
        ["SessionStart", "Stop"],
        1,
    )


def test_hooks_move_between_two_files_of_one_agent(tmp_path: Path, state: StateDir, script: Path) -> None:
    theirs = 'model = "gpt-6"\n\n[[hooks.Stop]]\n\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"\n'
    file, tables = HookFile(tmp_path / "hooks.json", "nested"), HookFile(tmp_path / "config.toml", "tables")
    set_up([codex(file)], state, script)
    tables.path.write_text(theirs)

    assert set_up([codex(tables)], state, script) == [
        ("config.toml", "changed"),
        ("hooks.json", "removed"),
    ]
    assert [entry.form for entry in load_record(state).files] == ["tables"]
    assert set_up([codex(tables)], state, script) == [("config.toml", "unchanged")]

    assert set_up([], state, script) == [("config.toml", "changed")]
    assert tables.path.read_text() == theirs


def test_hooks_stay_where_they_are_while_they_cannot_be_written_elsewhere(
    tmp_path: Path, state: StateDir, script: Path
) -> None:
    file, tables = HookFile(tmp_path / "hooks.json", "nested"), HookFile(tmp_path / "config.toml", "tables")
    set_up([codex(file)], state, script)
    tables.path.write_text('hooks = { Stop = [{ hooks = [{ type = "command", command = "say done" }] }] }\n')
    before = (file.path.read_bytes(), tables.path.read_bytes(), load_record(state))

    assert set_up([codex(tables)], state, script) == [("config.toml", "left alone")]
    assert (file.path.read_bytes(), tables.path.read_bytes(), load_record(state)) == before
