"""Edits reach the disk in one step each; a failure keeps its file as it was and stops no other."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from carryover.edits.apply import Applied, Change, Edit, ProjectEdits, apply, backup_path, plan
from carryover.edits.record import EditedFile, Record, load_record, save_record
from carryover.errors import UserError
from carryover.fsio import FileLock
from carryover.paths import StateDir
from carryover.text.user_text import Origin

Editing = Callable[[bytes | None], bytes | None]


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


def planned(path: Path, edit: Editing, *, forget: bool = False, recorded: bool = False, backup: bool = True) -> Edit:
    entry = EditedFile(path=str(path), agent="claude-code", script="/s", origin=Origin(missing=not path.exists()))
    record = (lambda *_: None if forget else entry) if forget or recorded else None
    return plan(Change(path=path, what="a test", edit=edit, remedy="Do something.", recorded=record, backup=backup))


def one(edit: Edit, state: StateDir) -> Applied:
    [applied] = apply([edit], state)
    return applied


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_file_is_brought_to_what_was_planned(tmp_path: Path, state: StateDir) -> None:
    changed, gone, right = tmp_path / "changed", tmp_path / "gone", tmp_path / "right"
    for file in (changed, gone, right):
        file.write_bytes(b"old")
    edits = [
        planned(changed, lambda _: b"new"),
        planned(gone, lambda _: None),
        planned(right, lambda data: data),
        planned(tmp_path / "made", lambda _: b"made"),
    ]

    applied = apply(edits, state)

    assert [done.outcome for done in applied] == ["changed", "removed", "unchanged", "created"]
    assert (changed.read_bytes(), gone.exists(), right.read_bytes()) == (b"new", False, b"old")
    assert ((tmp_path / "made").read_bytes(), mode(tmp_path / "made")) == (b"made", 0o600)


def test_the_mode_and_the_symlink_stay(tmp_path: Path, state: StateDir) -> None:
    target, link = tmp_path / "dotfiles" / "settings.json", tmp_path / "settings.json"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)

    one(planned(link, lambda _: b"new"), state)

    assert (link.readlink(), target.read_bytes(), mode(target)) == (target, b"new", 0o640)


def test_a_file_is_kept_once_as_it_was_before_the_first_edit(tmp_path: Path, state: StateDir) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"first")
    one(planned(file, lambda _: b"second"), state)
    one(planned(file, lambda _: b"third"), state)

    backup = backup_path(state, file)
    assert [backup.read_bytes(), mode(backup), mode(backup.parent)] == [b"first", 0o600, 0o700]
    assert list(backup.parent.iterdir()) == [backup]


def test_one_failure_is_reported_and_stops_no_other(tmp_path: Path, state: StateDir) -> None:
    file = tmp_path / "second"
    (tmp_path / "file").write_bytes(b"")
    bad = Change(path=tmp_path / "file" / "settings.json", what="a test", edit=lambda _: b"x", remedy="Do something.")

    applied = apply([Edit(bad, None, b"x"), planned(file, lambda _: b"new")], state)

    assert [(done.outcome, done.problem) for done in applied] == [
        ("left alone", f"{bad.path} is left alone: Not a directory. Do something."),
        ("created", None),
    ]


def test_a_file_that_changed_since_the_plan_is_planned_again_and_left_alone_if_it_keeps_changing(
    tmp_path: Path, state: StateDir
) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"a")
    edit = planned(file, lambda data: (data or b"") + b"+ours")
    file.write_bytes(b"b")

    assert (one(edit, state).outcome, file.read_bytes()) == ("changed", b"b+ours")
    assert backup_path(state, file).read_bytes() == b"b"

    def restless(data: bytes | None) -> bytes:
        file.write_bytes((data or b"") + b"!")
        return b"ours"

    done = one(planned(file, restless, recorded=True), state)
    assert done.problem == f"{file} is left alone: another program is changing it at this moment. Do something."
    assert (file.read_bytes(), load_record(state)) == (b"b+ours!!!!!", Record())


def test_an_edited_file_is_on_record_with_the_folders_made_for_it(
    tmp_path: Path, state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a" / "b" / "settings.json"
    one(planned(file, lambda _: b"new", recorded=True), state)

    [entry] = load_record(state).files
    assert entry.folders == (str(tmp_path / "a"), str(tmp_path / "a" / "b"))
    usual = tmp_path / "usual"
    usual.mkdir()
    assert (entry.origin, mode(tmp_path / "a")) == (Origin(missing=True), mode(usual))

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Path, "rmdir", Mock(side_effect=KeyboardInterrupt))
        one(planned(file, lambda _: None, forget=True), state)
    one(planned(file, lambda _: None, forget=True), state)
    assert (load_record(state), (tmp_path / "a").exists()) == (Record(), False)


def test_a_file_made_through_a_dangling_link_goes_without_the_link(tmp_path: Path, state: StateDir) -> None:
    link = tmp_path / "settings.json"
    link.symlink_to(tmp_path / "dotfiles" / "settings.json")

    one(planned(link, lambda _: b"new", recorded=True), state)
    assert (tmp_path / "dotfiles" / "settings.json").read_bytes() == b"new"

    one(planned(link, lambda _: None, forget=True), state)
    assert (link.is_symlink(), link.exists(), (tmp_path / "dotfiles").exists()) == (True, False, False)


def test_two_commands_do_not_edit_at_once(tmp_path: Path, state: StateDir) -> None:
    state.root.mkdir()
    file = tmp_path / "settings.json"
    edit = planned(file, lambda _: b"new")

    lock = FileLock(state.root / "edits.lock")
    assert lock.acquire()
    with pytest.raises(UserError, match="Another `carryover` command"):
        apply([edit], state)
    lock.release()
    assert not file.exists()


def test_a_damaged_record_stops_everything_before_anything_is_written(tmp_path: Path, state: StateDir) -> None:
    save_record(state, Record(files=(EditedFile(path="/x", agent="t", script="/s"),)))
    (state.root / "edits.json").write_text("{")

    with pytest.raises(UserError, match="is damaged"):
        apply([planned(tmp_path / "settings.json", lambda _: b"new")], state)

    assert not (tmp_path / "settings.json").exists()


def in_project(root: Path, name: str, after: bytes | None, *, ours: bool = True) -> ProjectEdits:
    edits = ProjectEdits(root, notes=["earlier"])
    edits.carry_out(name, plan(Change(path=root / name, what="a test", edit=lambda _: after, private=False)), ours=ours)
    return edits


def test_files_of_a_project_that_were_edited_are_remembered_until_that_is_undone(tmp_path: Path) -> None:
    in_project(tmp_path, "CLAUDE.md", b"new")
    in_project(tmp_path, "AGENTS.md", b"new")
    assert (tmp_path / "edited").read_text() == "AGENTS.md\nCLAUDE.md\n"

    in_project(tmp_path, "CLAUDE.md", b"old", ours=False)
    assert ProjectEdits(tmp_path).mine == {"AGENTS.md"}

    in_project(tmp_path, "AGENTS.md", None, ours=False)
    assert [path.name for path in tmp_path.iterdir()] == ["CLAUDE.md"]

    right_already = in_project(tmp_path, "CLAUDE.md", b"old")
    assert (right_already.done, right_already.mine, right_already.notes) == ([], set(), ["earlier"])
    (tmp_path / "edited").write_text("../../.bashrc\n.gitignore\nREADME.md\n")
    assert ProjectEdits(tmp_path).mine == {".gitignore"}, "a list that a stranger wrote names no other files"


def test_a_failed_edit_of_a_project_becomes_a_note_without_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        assert ProjectEdits(tmp_path).mine == {"AGENTS.md"}, "listed first: it may be killed before it can be listed"
        raise OSError(errno.ENOSPC, "No space left on device", "/home/dev/app/AGENTS.md")

    monkeypatch.setattr("carryover.edits.apply.swap", fail)

    edits = in_project(tmp_path, "AGENTS.md", b"new")

    assert (edits.done, edits.notes) == ([], ["earlier", "AGENTS.md was left alone: No space left on device"])
    assert list(tmp_path.iterdir()) == []
