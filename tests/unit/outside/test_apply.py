"""Edits reach the disk in one step each; a failure keeps its file as it was and stops no other."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from carryover.errors import UserError
from carryover.fsio import FileLock
from carryover.outside.apply import Edit, Text, apply, obstacle, plan_edit
from carryover.outside.in_project import Pass, text_in
from carryover.outside.journal import load_journal, read_journal
from carryover.outside.listed import Listed, fingerprint
from carryover.paths import StateDir
from carryover.probe.checkout import Checkout
from carryover.text.user_text import Origin
from support.platforms import full_disk, on

Editing = Callable[[bytes | None], bytes | None]


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


def planned(path: Path, edit: Editing, *, forget: bool = False, recorded: bool = False) -> Edit:
    """An edit of a file; if `recorded`, one that puts our text at its end, else if `forget` one that takes it out."""
    listed = Listed(path=str(path), agent="claude-code", form="nested", script="/s") if forget or recorded else None
    text = Text(
        path=path, what="a test", put=edit, take=lambda data, _: edit(data), remedy="Do something.", listed=listed
    )
    if recorded:
        made = Origin(missing=not path.exists())
        text = replace(text, take=without_ours, origin=lambda _, known: known or made)
    return plan_edit(text, out=forget)


def without_ours(data: bytes, origin: Origin) -> bytes | None:
    return None if origin.missing else data.removesuffix(b"+ours")


def one(edit: Edit, state: StateDir) -> Edit:
    [done] = apply([edit], state)
    return done


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_diff_shows_no_secret_of_the_file(tmp_path: Path) -> None:
    """Settings in one line, or above the place of the edit, hold the keys of servers."""
    path = tmp_path / "settings.json"
    path.write_text('{"env": {"API_KEY": "k7Hq2nZ9xW4vB8mT1pLs"}}')
    diff = planned(path, lambda data: (data or b"")[:-1] + b', "hooks": {}}').diff

    shown = '{"env": {"API_KEY": "[redacted:secret]"}'
    assert [line for line in diff.splitlines() if "API_KEY" in line] == [f"-{shown}}}", f'+{shown}, "hooks": {{}}}}']


def test_a_diff_shows_no_end_of_a_key_whose_beginning_is_further_up(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    key = "".join(f"{'MIIEpAIB7kq2Z/x' * 4}{number}\n" for number in range(6))
    path.write_text(f'[env]\nKEY = """\n-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n"""\n')
    diff = planned(path, lambda data: (data or b"") + b"[hooks]\n").diff

    assert "MIIEpAIB" not in diff
    assert diff.splitlines()[-1] == "+[hooks]"


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
    assert one(edits[2], state).outcome == "unchanged"


def test_what_is_missing_or_may_not_be_read_is_found_empty(tmp_path: Path) -> None:
    assert [Text(path=path, what="a test").found() for path in (tmp_path / "missing", tmp_path)] == [b"", b""]


def test_what_an_atomic_replace_would_disregard_is_in_the_way(tmp_path: Path, state: StateDir) -> None:
    locked, linked, folder, link = (tmp_path / name for name in ("locked", "linked", "folder", "link"))
    for file in (locked, linked):
        file.write_bytes(b"old")
    locked.chmod(0o400)
    (tmp_path / "linked too").hardlink_to(linked)
    folder.mkdir()
    link.symlink_to(locked)
    edits = [planned(file, lambda _: b"new") for file in (locked, linked, folder, link)]
    edits.append(plan_edit(replace(edits[-1].text, follows=False)))

    assert [done.reason for done in apply(edits, state)] == [
        "it is read-only",
        "it has a second hard link, which an edit would cut off",
        "not a regular file",
        "it is read-only",
        "it is a symlink",
    ]
    assert (locked.read_bytes(), linked.read_bytes()) == (b"old", b"old")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o500)

    reason = planned(tmp_path / "folder" / "new", lambda _: b"new").reason
    assert reason == f"its folder {tmp_path / 'folder'} can't be written"


def test_the_mode_and_the_symlink_stay(tmp_path: Path, state: StateDir) -> None:
    target, link = tmp_path / "dotfiles" / "settings.json", tmp_path / "settings.json"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)

    one(planned(link, lambda _: b"new"), state)

    assert (link.readlink(), target.read_bytes(), mode(target)) == (target, b"new", 0o640)


def with_ours(data: bytes | None) -> bytes:
    return (data or b"") + b"+ours"


def test_what_a_file_was_is_on_record_and_comes_back_or_nothing_is_written(tmp_path: Path, state: StateDir) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"first")
    assert one(planned(file, with_ours, recorded=True), state).outcome == "changed"
    [listed] = load_journal(state).settings
    assert (listed.before, listed.after) == (fingerprint(b"first"), fingerprint(b"first+ours"))

    spoilt = one(planned(file, lambda _: b"fist", forget=True), state)
    assert (spoilt.reason, file.read_bytes()) == (
        "taking ours out would not leave what was there before",
        b"first+ours",
    )
    file.write_bytes(b"mine, first+ours")  # the user goes on: nothing says any more what has to come back
    assert one(planned(file, lambda _: b"mine, first", forget=True), state).outcome == "changed"

    lossy = one(planned(file, lambda _: b"mine, fist+ours", recorded=True), state)
    assert (lossy.reason, file.read_bytes()) == (
        "what is put in could not be taken out again byte for byte",
        b"mine, first",
    )
    assert load_journal(state).live == ()


def test_one_failure_is_reported_and_stops_no_other(tmp_path: Path, state: StateDir) -> None:
    file = tmp_path / "second"
    (tmp_path / "file").write_bytes(b"")
    bad = Text(path=tmp_path / "file" / "settings.json", what="a test", put=lambda _: b"x", remedy="Do something.")

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
    edit = planned(file, with_ours)
    file.write_bytes(b"b")

    assert (one(edit, state).outcome, file.read_bytes()) == ("changed", b"b+ours")

    def restless(data: bytes | None) -> bytes:
        file.write_bytes((data or b"") + b"!")
        return with_ours(data)

    done = one(planned(file, restless, recorded=True), state)
    assert done.problem == f"{file} is left alone: another program is changing it at this moment. Do something."
    assert (file.read_bytes(), load_journal(state).live) == (b"b+ours!!!!!", ())


def test_a_file_that_could_not_be_written_again_is_still_listed_as_it_was(tmp_path: Path, state: StateDir) -> None:
    file = tmp_path / "client" / "settings.json"
    one(planned(file, with_ours, recorded=True), state)
    listed = load_journal(state).settings
    file.unlink()

    with on(full_disk(file.parent)):
        assert one(planned(file, with_ours, recorded=True), state).reason == "No space left on device"

    assert (load_journal(state).settings, listed[0].origin.missing) == (listed, True)


def test_an_edited_file_is_on_record_with_the_folders_made_for_it(
    tmp_path: Path, state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a" / "b" / "settings.json"
    one(planned(file, lambda _: b"new", recorded=True), state)

    journal = load_journal(state)
    made = {entry.path for entry in journal.live if entry.form == "folder"}
    assert made == {str(tmp_path / "a"), str(tmp_path / "a" / "b")}
    usual = tmp_path / "usual"
    usual.mkdir()
    assert (journal.settings[0].origin, mode(tmp_path / "a")) == (Origin(missing=True), mode(usual))

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Path, "rmdir", Mock(side_effect=KeyboardInterrupt))
        one(planned(file, lambda _: None, forget=True), state)
    one(planned(file, lambda _: None, forget=True), state)
    assert (load_journal(state).live, (tmp_path / "a").exists()) == ((), False)


def test_a_file_made_through_a_dangling_link_goes_without_the_link(tmp_path: Path, state: StateDir) -> None:
    link = tmp_path / "settings.json"
    link.symlink_to(tmp_path / "dotfiles" / "settings.json")

    one(planned(link, lambda _: b"new", recorded=True), state)
    assert (tmp_path / "dotfiles" / "settings.json").read_bytes() == b"new"

    one(planned(link, lambda _: None, forget=True), state)
    assert (link.is_symlink(), link.exists(), (tmp_path / "dotfiles").exists()) == (True, False, False)


def test_a_file_of_another_user_stays_as_it_is(
    tmp_path: Path, state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"old")
    monkeypatch.setattr("os.geteuid", lambda: file.stat().st_uid + 1)

    assert one(planned(file, lambda _: b"new"), state).reason == "it belongs to another user"
    assert file.read_bytes() == b"old"


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


def test_an_unreadable_journal_stops_everything_before_anything_is_written(tmp_path: Path, state: StateDir) -> None:
    (state.root / "journal.jsonl").mkdir(parents=True)

    with pytest.raises(UserError, match="can't be read"):
        apply([planned(tmp_path / "settings.json", lambda _: b"new")], state)

    assert not (tmp_path / "settings.json").exists()


def in_pass(state: StateDir, root: Path, name: str, after: bytes | None, *, ours: bool = True) -> Pass:
    edits = Pass(Checkout(root), state.root, ["earlier"])
    text = text_in(root, name, "a test", lambda _: after, lambda _data, _: None)
    edits.carry_out(plan_edit(text, out=not ours))
    return edits


def test_files_of_a_project_that_were_edited_are_listed_until_that_is_undone(tmp_path: Path, state: StateDir) -> None:
    app = tmp_path / "app"
    app.mkdir()

    def listed() -> set[str]:
        return read_journal(state.root).names(app)

    assert in_pass(state, app, "CLAUDE.md", b"new").done == ["CLAUDE.md"]
    in_pass(state, app, ".roo/rules/a.md", b"new")
    assert listed() == {".roo/rules/a.md", "CLAUDE.md"}

    in_pass(state, app, "CLAUDE.md", None, ours=False)
    assert listed() == {".roo/rules/a.md"}
    in_pass(state, app, ".roo/rules/a.md", None, ours=False)
    assert (listed(), list(app.iterdir()), read_journal(state.root).live) == (set(), [], ())

    (app / "CLAUDE.md").write_bytes(b"theirs")
    right_already = in_pass(state, app, "CLAUDE.md", b"theirs")
    assert (right_already.done, right_already.listed, right_already.notes) == ([], set(), ["earlier"])


def test_a_failed_edit_of_a_project_becomes_a_note_without_a_path(tmp_path: Path, state: StateDir) -> None:
    app = tmp_path / "app"
    app.mkdir()

    def is_listed() -> None:
        assert read_journal(state.root).names(app) == {".roo/a.md"}, "listed first: it may be killed before the end"

    with on(full_disk(app, before=is_listed)):
        edits = in_pass(state, app, ".roo/a.md", b"new")

    assert (edits.done, edits.notes) == ([], ["earlier", ".roo/a.md was left alone: No space left on device"])
    assert (list(app.iterdir()), read_journal(state.root).live) == ([], ())


def test_a_folder_that_can_not_be_looked_for_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert obstacle(tmp_path / "file" / "a" / "b") == f"its folder {tmp_path}/file can't be written"
    assert obstacle(tmp_path / ("a" * 300) / "b") is None  # the system takes no longer name than 255
