"""The tools that are selected get their hooks; the files of all others lose them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from carryover.adapter.spec import HookEntry
from carryover.agents.claude_code.spec import SPEC as CLAUDE
from carryover.agents.codex.spec import SPEC as CODEX
from carryover.edits.agent_settings import AgentSettings, plan_settings
from carryover.edits.apply import apply
from carryover.edits.hooks import HookFile, hooks_of, owner_by_script
from carryover.edits.plan import Change, plan
from carryover.edits.record import (
    EditedFile,
    PublishedProject,
    Record,
    load_record,
    published_projects,
    remember_project,
    save_record,
)
from carryover.edits.user_text import EditRefused, Origin
from carryover.errors import ExitCode, UserError
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


def entry(path: Path, agent: str = "claude-code") -> EditedFile:
    return EditedFile(path=str(path), agent=agent, script="/s/hook.sh", origin=Origin(missing=True), folders=("/f",))


def test_what_was_saved_is_loaded_and_only_its_owner_can_read_it(state: StateDir, tmp_path: Path) -> None:
    record = Record(files=(entry(tmp_path / "a"), entry(tmp_path / "b", "codex")))
    save_record(state, record)

    assert load_record(state) == record
    assert stat.S_IMODE((state.root / "edits.json").stat().st_mode) == 0o600


def test_there_is_no_record_before_the_first_edit_and_after_the_last(state: StateDir, tmp_path: Path) -> None:
    assert load_record(state) == Record()
    assert not state.root.exists()

    save_record(state, Record(files=(entry(tmp_path / "a"),)))
    save_record(state, Record())

    assert list(state.root.iterdir()) == []


def test_a_file_is_one_file_whatever_way_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    first, other = entry(tmp_path / "real" / "s.json"), entry(tmp_path / "other.json")
    through_link = entry(tmp_path / "link" / "s.json")
    record = Record(files=(first, other))

    assert record.of(tmp_path / "link" / "s.json") == first
    assert record.having(tmp_path / "link" / "s.json", through_link) == Record(files=(other, through_link))
    assert record.having(tmp_path / "link" / "s.json", None) == Record(files=(other,))
    assert record.of(tmp_path / "none") is None


def test_a_damaged_record_is_refused_with_what_to_do(state: StateDir) -> None:
    state.root.mkdir()
    (state.root / "edits.json").write_bytes(b'{"files": 3}')

    with pytest.raises(UserError) as raised:
        load_record(state)

    assert raised.value.code is ExitCode.REFUSED
    assert str(raised.value) == (
        f"{state.root / 'edits.json'} is damaged. Nothing was changed. "
        "Move it away and run this again: our hooks are then looked for where agents keep their settings."
    )


ONE = PublishedProject("/srv/one", "/srv/one/.carryover")
OTHER = PublishedProject("/srv/a\nb", "/handoffs/b-1234")


def test_each_project_is_on_the_list_once(tmp_path: Path) -> None:
    state = tmp_path / "state"

    assert [remember_project(state, project) for project in (ONE, OTHER, ONE)] == [True, True, False]
    assert published_projects(state) == (ONE, OTHER)
    assert stat.S_IMODE((state / "projects.jsonl").stat().st_mode) == 0o600


def test_a_line_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    remember_project(tmp_path, ONE)
    (tmp_path / "projects.jsonl").write_bytes((tmp_path / "projects.jsonl").read_bytes() + b'{"root": "/wo')
    remember_project(tmp_path, OTHER)

    assert published_projects(tmp_path) == (ONE, OTHER)


def change(path: Path, after: bytes | None = b"new", *, follow: bool = True) -> Change:
    return Change(path=path, what="a test", edit=lambda _: after, remedy="Do something.", follow=follow)


def problem(path: Path, *, follow: bool = True) -> str | None:
    reported = plan(change(path, follow=follow)).problem
    return reported.removeprefix(f"{path} is left alone: ").removesuffix(". Do something.") if reported else None


def test_a_refusal_names_the_file_the_reason_and_what_to_do(tmp_path: Path) -> None:
    def refuse(_: bytes | None) -> bytes:
        raise EditRefused("it is not valid JSON (line 2, column 3: a comment)")

    file = tmp_path / "settings.json"
    file.write_bytes(b"old")
    edit = plan(Change(path=file, what="a test", edit=refuse, remedy="Repair it."))

    assert edit.problem == f"{file} is left alone: it is not valid JSON (line 2, column 3: a comment). Repair it."
    assert (edit.changes, edit.before, edit.after) == (False, b"old", b"old")


def test_what_an_atomic_replace_would_disregard_is_in_the_way(tmp_path: Path) -> None:
    read_only, linked, folder = tmp_path / "read-only", tmp_path / "linked", tmp_path / "folder"
    read_only.write_bytes(b"old")
    read_only.chmod(0o444)
    linked.write_bytes(b"old")
    os.link(linked, tmp_path / "other-name")
    folder.mkdir()
    (tmp_path / "link").symlink_to(read_only)

    assert [problem(read_only), problem(linked), problem(folder), problem(tmp_path / "link")] == [
        "it is read-only",
        "it has a second hard link, which an edit would cut off",
        "not a regular file",
        "it is read-only",
    ]


def test_a_symlink_is_left_alone_where_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")

    assert (problem(tmp_path / "link"), problem(tmp_path / "link", follow=False)) == (None, "it is a symlink")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"old")
    os.chown(tmp_path / "theirs", 12345, 12345)

    assert problem(tmp_path / "theirs") == "it belongs to another user"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o500)

    assert problem(tmp_path / "folder" / "new") == f"its folder {tmp_path / 'folder'} can't be written"
