"""What was edited is remembered, whatever way leads to a file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from carryover.edits.record import (
    EditedFile,
    PublishedProject,
    Record,
    load_record,
    published_projects,
    remember_project,
    save_record,
)
from carryover.edits.user_text import Origin
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


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
