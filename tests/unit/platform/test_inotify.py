"""What inotify is asked, and how its reports are read."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from carryover.platform.inotify import Inotify, Overflow, StopEvent
from carryover.platform.linux import Linux

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
FAILED = -1
OVERFLOW = 0x4000


@pytest.fixture
def watched() -> Iterator[Inotify]:
    found = Linux().inotify()
    if found is None:
        pytest.skip("a WSL kernel")
    with found as inotify:
        yield inotify


def failing(code: int) -> Callable[..., int]:
    def fail(*_: object) -> int:
        ctypes.set_errno(code)
        return FAILED

    return fail


def test_what_happens_in_a_folder_and_below_it_is_reported(watched: Inotify, tmp_path: Path) -> None:
    old = tmp_path / "a" / "old"
    old.parent.mkdir()
    old.touch()
    (tmp_path / "gone").touch()
    watched.add(str(tmp_path), deep=True)
    assert watched.changes() == set()

    old.write_text("more")
    (tmp_path / "gone").unlink()
    (tmp_path / "b" / "c").mkdir(parents=True)
    assert watched.changes() == {
        ("modified", str(old)),
        ("deleted", str(tmp_path / "gone")),
        ("added", str(tmp_path / "b")),
    }
    (tmp_path / "b" / "c" / "new").touch()
    assert ("added", str(tmp_path / "b" / "c" / "new")) in watched.changes()


def test_without_what_is_below_only_the_entries_are_reported(watched: Inotify, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    watched.add(str(tmp_path), deep=False)

    (tmp_path / "a" / "x").touch()
    (tmp_path / "b").mkdir()
    assert watched.changes() == {("added", str(tmp_path / "b"))}
    (tmp_path / "b" / "x").touch()
    assert watched.changes() == set()


def test_a_folder_that_is_renamed_is_known_by_its_new_name_and_one_that_was_moved_away_no_more(
    watched: Inotify, tmp_path: Path
) -> None:
    top, away = tmp_path / "top", tmp_path / "away"
    (top / "a" / "deep").mkdir(parents=True)
    (top / "b").mkdir()
    (top / "a-2").mkdir()
    watched.add(str(top), deep=True)

    (top / "a").rename(top / "new")
    (top / "b").rename(away)
    watched.changes()
    for folder in (top / "new" / "deep", away, top / "a-2"):
        (folder / "x").touch()
    reported = {path for _, path in watched.changes()}
    assert reported == {str(top / "new" / "deep" / "x"), str(top / "a-2" / "x")}


def test_a_link_is_followed_only_where_it_is_asked_for(watched: Inotify, tmp_path: Path) -> None:
    top, other, link = tmp_path / "top", tmp_path / "other", tmp_path / "link"
    top.mkdir()
    other.mkdir()
    (top / "inside").symlink_to(other)
    link.symlink_to(other)

    watched.add(str(top), deep=True)
    (other / "x").touch()
    assert watched.changes() == set()
    watched.add(str(link), deep=True)
    (other / "y").touch()
    assert ("added", str(link / "y")) in watched.changes()


def test_no_more_folders_are_watched_than_were_asked_for(watched: Inotify, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    watched.add(str(tmp_path), deep=True, most=3)

    for name in "abc":
        (tmp_path / name / "x").touch()
    assert len({path for kind, path in watched.changes() if kind == "added"}) == 2


def test_waiting_ends_with_a_change_and_when_it_is_to_stop(watched: Inotify, tmp_path: Path) -> None:
    """Neither takes the hour that it may."""
    stop = StopEvent()
    watched.add(str(tmp_path), deep=True)
    (tmp_path / "x").touch()
    assert watched.wait(stop, 3600)

    watched.changes()
    stop.set()
    assert not watched.wait(stop, 3600)
    stop.clear()
    stop.set()
    stop.set()
    stop.clear()
    assert select.select([stop.descriptor], [], [], 0)[0] == []


@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENOTDIR, errno.EACCES])
def test_what_is_gone_or_closed_is_left_out(tmp_path: Path, code: int) -> None:
    real = ctypes.CDLL(None, use_errno=True)

    def add(descriptor: int, path: bytes, mask: int) -> int:
        return failing(code)() if path.endswith(b"/a") else int(real.inotify_add_watch(descriptor, path, mask))

    for name in "ab":
        (tmp_path / name).mkdir()
    with Inotify(SimpleNamespace(inotify_init1=real.inotify_init1, inotify_add_watch=add)) as inotify:
        inotify.add(str(tmp_path), deep=True)
        (tmp_path / "b" / "x").touch()
        assert ("added", str(tmp_path / "b" / "x")) in inotify.changes()


def test_the_systems_limits_are_raised(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EMFILE)) as none:
        Inotify(SimpleNamespace(inotify_init1=failing(errno.EMFILE))).__enter__()
    assert none.value.errno == errno.EMFILE

    real = ctypes.CDLL(None, use_errno=True)
    libc = SimpleNamespace(inotify_init1=real.inotify_init1, inotify_add_watch=failing(errno.ENOSPC))
    with Inotify(libc) as inotify, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as few:
        inotify.add(str(tmp_path), deep=True)
    assert few.value.errno == errno.ENOSPC


def test_lost_changes_are_no_secret(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with Inotify(SimpleNamespace(inotify_init1=lambda _flags: reading, inotify_add_watch=lambda *_: 1)) as inotify:
        inotify.add(str(tmp_path), deep=False)
        os.write(writing, struct.pack("iIII8s", 1, 0x100, 0, 8, b"x") + struct.pack("iIII", -1, OVERFLOW, 0, 0))
        with pytest.raises(Overflow):
            inotify.changes()
    os.close(writing)


def test_a_kernel_of_wsl_and_a_system_without_such_calls_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> object:
        raise MemoryError

    assert Linux(libc=SimpleNamespace).inotify() is None
    assert Linux(libc=refuse).inotify() is None
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release="5.15.153.1-microsoft-standard-WSL2"))
    assert Linux().inotify() is None
