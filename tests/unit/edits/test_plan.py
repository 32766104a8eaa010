"""An edit is worked out on the file as it is, and what stands in its way is told before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.edits.plan import Change, plan
from carryover.edits.user_text import EditRefused


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
