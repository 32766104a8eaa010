"""A store in a folder: whoever can write into it can neither start a program by it nor lead Carryover out of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from carryover.errors import UserError
from carryover.sync.sealing import LARGEST_OBJECT
from carryover.sync.store import FolderStore, Store
from support.platforms import altered, on
from support.repository import git

ME: Final = "0123456789abcdef"
OTHER: Final = "fedcba9876543210"
ONE: Final = "1" * 32
TWO: Final = "2" * 32
ALL: Final = {"key", "head", ONE}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> FolderStore:
    return FolderStore(folder, ME)


def write(store: Store, files: dict[str, bytes], names: Collection[str] | None = None) -> None:
    for name, data in files.items():
        store.put(name, data)
    store.publish(files if names is None else names)


def test_files_are_added_replaced_and_removed(store: FolderStore, folder: Path) -> None:
    write(store, {ONE: b"part", "key": b"k", "head": b"1"})
    other = FolderStore(folder, OTHER)

    assert store.fetch() == ([ME], {"key": 1, "head": 1, ONE: 4}, None)
    assert other.fetch() == ([ME], {}, None)
    write(store, {TWO: b"more", "head": b"2"}, {"key", "head", TWO})
    assert store.fetch().own == {"key": 1, "head": 1, TWO: 4}
    assert (other.read(ME, "head"), other.read(ME, ONE), other.read(OTHER, "head")) == (b"2", None, None)
    write(store, {})
    assert not list(folder.iterdir()) and store.fetch() == ([], {}, None)


def test_what_is_put_while_the_disk_is_full_leaves_what_was_there(store: FolderStore, folder: Path) -> None:
    write(store, {"key": b"k", "head": b"1"})

    def full_sync(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with on(altered(full_sync=full_sync)), pytest.raises(UserError):
        store.put("head", b"2")

    assert store.read(ME, "head") == b"1"
    assert sorted(path.name for path in (folder / ME).iterdir()) == ["head", "key"]


@pytest.mark.parametrize("link", ["machine", "head", ONE, "temporary"])
def test_nothing_is_read_or_written_through_a_link(
    tmp_path: Path, store: FolderStore, folder: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ALL:
        (outside / name).write_text("mine\n")
    if link == "machine":
        (folder / ME).symlink_to(outside)
    else:
        (folder / ME).mkdir()
        monkeypatch.setattr("carryover.sync.store.secrets.token_hex", lambda size: "x" * size)
        name = f"new-{'x' * 6}" if link == "temporary" else link
        (folder / ME / name).symlink_to(outside / "head")

    assert store.fetch().own == {}
    assert store.read(ME, link) is None
    if link in ("machine", "temporary"):
        with pytest.raises(UserError):
            write(store, {"head": b"1"})
    else:
        write(store, {ONE: b"part", "head": b"1"})

    assert {path.read_text() for path in outside.iterdir()} == {"mine\n"}
    assert len(list(outside.iterdir())) == 3


@pytest.mark.parametrize("name", ["machine", "head", ONE])
def test_a_pipe_or_a_device_in_a_folder_holds_nobody_up(store: FolderStore, folder: Path, name: str) -> None:
    place = folder / OTHER if name == "machine" else folder / OTHER / name
    place.parent.mkdir(exist_ok=True)
    os.mkfifo(place)
    write(store, {"head": b"1"})

    assert store.fetch().own == {"head": 1}
    assert store.read(OTHER, name) is None


def test_of_a_file_larger_than_any_machine_writes_no_more_is_read(store: FolderStore, folder: Path) -> None:
    (folder / OTHER).mkdir()
    with (folder / OTHER / "head").open("wb") as file:
        file.truncate(LARGEST_OBJECT + 1)
    store.fetch()

    assert len(store.read(OTHER, "head") or b"") == LARGEST_OBJECT


def test_what_no_machine_writes_is_left_out_and_left_alone(store: FolderStore, folder: Path) -> None:
    (folder / ME).mkdir()
    for name in ("../x", "hook", f"{ONE}.tmp", "key.pub", "head~"):
        (folder / ME / name.replace("/", "_")).write_text("x")
    (folder / "0123").mkdir()
    store.fetch()
    write(store, {"head": b"1"})

    assert store.fetch() == ([ME], {"head": 1}, "0123")
    assert len(list((folder / ME).iterdir())) == 6
    write(store, {})
    assert len(list((folder / ME).iterdir())) == 5


def test_hidden_files_are_nobodys_and_all_else_is_foreign(store: FolderStore, folder: Path) -> None:
    (folder / ".stfolder").mkdir()
    (folder / ME).mkdir()
    assert store.fetch().foreign is None

    (folder / "notes.txt").touch()
    assert store.fetch().foreign == "notes.txt"
    shutil.rmtree(folder)
    git(folder.parent, "init", "--quiet", "store")
    assert store.fetch().foreign == ".git"


def test_the_folder_of_a_group_stays_the_groups(store: FolderStore, folder: Path) -> None:
    folder.chmod(0o2775)
    write(store, {"head": b"1"})

    assert (folder / ME).stat().st_mode & 0o7777 == 0o2775
    assert (folder / ME / "head").stat().st_mode & 0o777 == 0o664
    folder.chmod(0o700)
    write(FolderStore(folder, OTHER), {"head": b"1"})
    assert (folder / OTHER).stat().st_mode & 0o777 == 0o700
    write(store, {"head": b"2"})
    assert (folder / ME).stat().st_mode & 0o7777 == 0o2775, "it was there, and its owner may have chosen"


def test_a_link_put_in_place_of_a_new_folder_changes_nothing_outside(
    tmp_path: Path, store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may write into the folder can be quicker than the next step."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    folder.chmod(0o777)

    def mkdir(name: str, *, dir_fd: int) -> None:
        os.symlink(outside, name, dir_fd=dir_fd)

    monkeypatch.setattr("carryover.sync.store.os.mkdir", mkdir)
    with pytest.raises(UserError):
        write(store, {"head": b"1"})

    assert (folder / ME).is_symlink()
    assert outside.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_may_not_be_read_keeps_no_other_back(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, {"head": b"1"})
    write(FolderStore(folder, OTHER), {"head": b"1"})
    opened = os.open

    def refuses(name: str | Path, *arguments: int, **place: int) -> int:
        if name == OTHER:
            raise PermissionError(13, "Permission denied")
        return opened(name, *arguments, **place)

    monkeypatch.setattr("carryover.sync.store.os.open", refuses)

    assert sorted(store.fetch().machines) == [ME, OTHER]
    assert store.read(OTHER, "head") is None
    write(store, {"head": b"2"})
    assert (folder / ME / "head").read_bytes() == b"2"


def test_a_file_that_goes_while_its_folder_is_listed_is_left_out(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine writes at the same time: its temporary file gets its name meanwhile."""
    write(store, {"head": b"1"})
    (folder / ME / "new-aaaaaaaaaaaa").touch()

    def goes(entries: Iterator[os.DirEntry[str]], most: int) -> list[os.DirEntry[str]]:
        listed = list(islice(entries, most))
        (folder / ME / "new-aaaaaaaaaaaa").unlink(missing_ok=True)
        return listed

    monkeypatch.setattr("carryover.sync.store.islice", goes)

    assert store.fetch().own == {"head": 1}


def test_a_folder_that_is_not_there_is_said_and_not_made(folder: Path) -> None:
    store = FolderStore(folder / "away", ME)

    for use in (store.fetch, lambda: store.put("head", b"1"), lambda: store.publish({"head"})):
        with pytest.raises(UserError, match="can't be reached"):
            use()
    assert not (folder / "away").exists()


def test_work_in_a_folder_ends_when_the_daemon_stops(store: FolderStore, folder: Path) -> None:
    store.end()

    for use in (store.fetch, lambda: store.put("head", b"1"), lambda: store.publish({"head"})):
        with pytest.raises(UserError, match="synchronising was ended"):
            use()

    assert not list(folder.iterdir())
