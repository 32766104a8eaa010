"""The tools that are selected get their hooks; the files of all others lose them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from carryover.adapter.spec import HookEntry
from carryover.agents.claude_code import SPEC as CLAUDE
from carryover.edits.hooks import Hooks, owner_by_script
from carryover.install.detect import Detection
from carryover.install.setup import plan_agents, plan_settings, taken_out
from carryover.outside.apply import Text, apply
from carryover.outside.journal import load_journal
from carryover.outside.listed import Listed
from carryover.paths import StateDir
from carryover.text.user_text import Origin
from support.detected import detected

HOOKS = (
    HookEntry(event="SessionStart", timeout_s=5, also={"matcher": "startup"}),
    HookEntry(event="Stop", timeout_s=5),
)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


@pytest.fixture
def script(state: StateDir) -> Path:
    return state.hook_script


def claude(config: Path) -> Detection:
    return detected(CLAUDE, config, HOOKS)


def set_up(tools: list[Detection], state: StateDir) -> list[tuple[str, str]]:
    """Path and outcome of each edit."""
    edits = plan_agents(state, tools, {"claude-code"})
    return [(done.path.name, done.outcome) for done in apply(edits, state)]


def events(config: Path, script: Path) -> list[str]:
    return [
        found.hook.event
        for found in Hooks("nested", owner_by_script(script)).found(config.read_bytes())
        if found.owner == "ours"
    ]


def test_a_tool_that_is_not_selected_any_more_gets_its_file_back(tmp_path: Path, state: StateDir) -> None:
    config = tmp_path / "settings.json"
    config.write_text('{"hooks": {"Stop": []}}')
    plans = [plan_agents(state, [claude(config)], {"claude-code"}) for _ in range(2)]  # of two commands at once
    assert [done.outcome for edits in plans for done in apply(edits, state)] == ["changed", "unchanged"]

    assert set_up([], state) == [("settings.json", "changed")]
    assert (config.read_text(), load_journal(state).settings) == ('{"hooks": {"Stop": []}}', ())


def test_another_way_to_the_same_file_takes_nothing_away(tmp_path: Path, state: StateDir) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    set_up([claude(tmp_path / "real" / "s.json")], state)

    assert set_up([claude(tmp_path / "link" / "s.json")], state) == [("s.json", "unchanged")]
    [entry] = load_journal(state).settings
    assert (entry.path, entry.origin) == (str(tmp_path / "link" / "s.json"), Origin(missing=True))


def test_a_state_folder_that_moved_leaves_no_old_hooks_behind(tmp_path: Path, state: StateDir, script: Path) -> None:
    config = tmp_path / "settings.json"
    set_up([claude(config)], state)
    moved = StateDir(state.root.rename(tmp_path / "elsewhere"))
    new_script = moved.hook_script

    set_up([claude(config)], moved)

    assert (events(config, new_script), events(config, script)) == (["SessionStart", "Stop"], [])
    assert load_journal(moved).settings[0].origin == Origin(missing=True)


def test_a_server_stays_in_the_former_file_until_it_can_be_entered(tmp_path: Path, state: StateDir) -> None:
    former, now = (Listed(path=str(tmp_path / name), agent="cursor", form="server", key="s") for name in ("a", "b"))
    text = Text(path=tmp_path / "b", what="a test", put=lambda _: b"{}", listed=now, obstacle="it is in the way")

    assert plan_settings([replace(text, obstacle=None)], [former])[1:] != ()
    assert [edit.reason for edit in plan_settings([text], [former])] == ["it is in the way"]


def test_each_edit_is_announced_by_what_it_puts_and_whose_it_is(tmp_path: Path, state: StateDir) -> None:
    [edit] = plan_agents(state, [claude(tmp_path / "settings.json")], {"claude-code"})
    files = [Listed(path=str(tmp_path / "s.json"), agent="claude-code", form=form) for form in ("list", "server")]
    files.append(Listed(path=str(tmp_path / "hooks.json"), agent="codex", form="nested"))

    assert [each.text.what for each in (edit, *map(taken_out, files))] == [
        "hooks of Claude Code",
        "entry of Claude Code",
        "MCP server of Claude Code",
        "hooks of Codex CLI",
    ]
