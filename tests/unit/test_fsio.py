"""Files are replaced whole or not at all, and never by way of something else than a file."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from carryover.fsio import FileLock, atomic_replace, locked_dir, private_dir, read_bytes_bounded, write_if_changed
from carryover.platform.darwin import Darwin
from support.platforms import on


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_folder_that_is_too_open_is_closed_and_its_parent_left_as_it_is(tmp_path: Path) -> None:
    parent, folder = tmp_path / "a", tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    parent.chmod(0o755)
    folder.chmod(0o755)

    private_dir(folder)

    assert (mode_of(parent), mode_of(folder)) == (0o755, 0o700)


def test_a_private_folder_of_another_user_is_refused_and_not_changed(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(folder, 1234, -1)

    with pytest.raises(PermissionError, match="another user"):
        private_dir(folder)
    assert mode_of(folder) == 0o755


def test_a_folder_that_is_locked_is_never_reached_through_a_symlink(tmp_path: Path) -> None:
    folder, link = tmp_path / "public", tmp_path / "link"
    folder.mkdir()
    folder.chmod(0o755)
    link.symlink_to(folder)

    with pytest.raises(NotADirectoryError), locked_dir(link):
        pass
    assert mode_of(folder) == 0o755
    private_dir(link)
    assert mode_of(folder) == 0o700


def test_a_new_file_has_the_mode_that_was_asked_for_or_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_replace(tmp_path / "private", b"", mode=0o600)
        atomic_replace(tmp_path / "usual", b"")
    finally:
        os.umask(before)

    assert (mode_of(tmp_path / "private"), mode_of(tmp_path / "usual")) == (0o600, 0o640)


def test_a_mac_is_asked_to_empty_the_memory_of_its_disk(tmp_path: Path) -> None:
    """What `fsync` does there may be lost in a power cut."""
    asked: list[int] = []
    with on(Darwin(control=lambda _descriptor, command, _argument: asked.append(command))):
        atomic_replace(tmp_path / "passing", b"data", sync="never")
        assert asked == []
        atomic_replace(tmp_path / "kept", b"data")

    assert asked == [51]


def test_a_symlink_that_is_not_to_be_followed_gives_way(tmp_path: Path) -> None:
    target, link = tmp_path / "theirs", tmp_path / "ours"
    target.write_text("theirs")
    link.symlink_to(target)

    atomic_replace(link, b"ours", mode=0o600, follow=False)

    assert (link.is_symlink(), link.read_bytes(), target.read_bytes()) == (False, b"ours", b"theirs")


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # a write fails in the middle, as on a full disk
    try:
        with pytest.raises(OSError) as raised:
            atomic_replace(path, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)

    assert raised.value.errno == errno.EFBIG
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {"f": "old"}


def test_no_descriptor_is_left_open_whatever_happens(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    lowest_free = os.dup(0)
    os.close(lowest_free)

    for _ in range(20):
        atomic_replace(tmp_path / "f", b"x")
        for name in ("folder", "missing"):
            with pytest.raises(OSError):
                read_bytes_bounded(tmp_path / name, 10)

    assert os.dup(0) == lowest_free
    os.close(lowest_free)


@pytest.mark.parametrize("old", [b"other", b"", b"same and more", None])
def test_a_different_file_is_replaced_and_an_equal_one_not_touched(tmp_path: Path, old: bytes | None) -> None:
    path = tmp_path / "f"
    if old is not None:
        path.write_bytes(old)

    assert write_if_changed(path, b"same") is True
    os.utime(path, ns=(1, 1))
    before = path.stat()
    assert write_if_changed(path, b"same") is False
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == (b"same", 1, before.st_ino)


def test_a_file_is_read_up_to_its_bound_and_not_beyond(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"12345")

    assert read_bytes_bounded(path, 5) == b"12345"
    with pytest.raises(OSError) as raised:
        read_bytes_bounded(path, 4)
    assert raised.value.errno == errno.EFBIG


def test_a_lock_names_its_holder_and_ends_with_its_process_even_by_sigkill(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, carryover.fsio as f; lock = f.FileLock(pathlib.Path(sys.argv[1])); lock.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        lock = FileLock(tmp_path / "lock")
        assert (lock.acquire(), lock.holder()) == (False, str(child.pid))
        child.kill()

    assert (lock.holder(), lock.acquire("pid 7")) == (None, True)
    second = FileLock(tmp_path / "lock")
    assert (second.acquire(), second.holder()) == (False, "pid 7")
    lock.release()
    assert second.holder() is None


def test_a_full_disk_keeps_no_command_from_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the daemon's lock needs its content: that is how commands find the daemon."""
    monkeypatch.setattr(os, "pwrite", Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    lock = FileLock(tmp_path / "lock")

    with pytest.raises(OSError, match="No space left"):
        lock.acquire("pid 7")
    assert (lock.acquire(), FileLock(tmp_path / "lock").acquire()) == (True, False)
