"""A disk as macOS has it: a name is found by any of its spellings, and is listed as it was made.

A file system in user space over a folder of this one. The program that mounts and serves is this module.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from support.platforms import folded

_FUSE: Final = "/dev/fuse"
_LARGEST: Final = 1 << 17
_HEADER: Final = struct.Struct("<IIQQIIII")
_ATTRIBUTES: Final = struct.Struct("<6Q10I")
_SET: Final = struct.Struct("<II6Q8I")
_MODE, _OWNER, _GROUP, _SIZE, _WRITTEN, _WRITTEN_NOW = 1, 2, 4, 8, 32, 256
_TOP: Final = 1
_UNMOUNT_AT_ONCE: Final = 2
_NO_ANSWER: Final = (2, 36, 42)
"""FORGET, INTERRUPT, BATCH_FORGET."""


def can_fold() -> bool:
    """Whether this process may mount such a disk."""
    return sys.platform == "linux" and os.geteuid() == 0 and os.access(_FUSE, os.R_OK | os.W_OK)


@contextmanager
def folding_disk(behind: Path, at: Path) -> Iterator[Path]:
    """Yields the folder `at`, in which the files of `behind` are found by any spelling."""
    command = [sys.executable, "-m", "support.folding_disk", str(behind), str(at)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as disk:
        assert disk.stdout is not None
        assert disk.stdout.readline() == "done\n"
        try:
            yield at
        finally:
            disk.communicate()


class _Disk:
    """Answers one request at a time. A node is a folder or file that the kernel knows, by its parent and name."""

    def __init__(self, behind: Path) -> None:
        self._behind = behind
        self._nodes: dict[int, tuple[int, str]] = {}
        self._known: dict[tuple[int, int], int] = {}
        self._last = _TOP
        self._does: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._look_up,
            3: lambda node, _: self._attributes(node),
            4: self._set,
            5: lambda node, _: os.fsencode(self._path(node).readlink()),
            6: self._make_link,
            9: self._make_folder,
            10: lambda node, body: self._remove(Path.unlink, node, body),
            11: lambda node, body: self._remove(Path.rmdir, node, body),
            12: lambda node, body: self._rename(node, body, 8),
            13: self._link,
            14: self._open,
            15: self._read,
            16: self._write,
            17: lambda _node, _: struct.pack("<5Q10I", *[1 << 20] * 5, 4096, 255, *[0] * 8),
            18: self._close,
            20: lambda _node, _: b"",
            25: lambda _node, _: b"",
            27: lambda _node, _: struct.pack("<QII", 0, 0, 0),
            28: self._list,
            29: lambda _node, _: b"",
            30: lambda _node, _: b"",
            34: lambda _node, _: b"",
            35: self._create,
        }

    def answer(self, request: bytes) -> bytes | None:
        _, kind, unique, node, *_ = _HEADER.unpack_from(request)
        if kind in _NO_ANSWER:
            return None
        if kind == 45:  # RENAME2, without any of its flags
            kind, request = 12, request[:48] + request[56:]
        try:
            body, error = self._does[kind](node, request[40:]), 0
        except KeyError:
            body, error = b"", errno.ENOSYS
        except OSError as refused:
            body, error = b"", refused.errno or errno.EIO
        return struct.pack("<IiQ", 16 + len(body), -error, unique) + body

    def _path(self, node: int) -> Path:
        if node == _TOP:
            return self._behind
        parent, name = self._nodes[node]
        return self._path(parent) / name

    def _found(self, parent: int, name: str) -> str:
        """The name as it is listed; the given one if there is none."""
        names = [each.name for each in self._path(parent).iterdir()]
        return name if name in names else next((each for each in names if folded(each) == folded(name)), name)

    def _named(self, parent: int, body: bytes) -> tuple[str, Path]:
        given = os.fsdecode(body.partition(b"\0")[0])
        name = self._found(parent, given)
        return name, self._path(parent) / name

    def _entry(self, parent: int, name: str) -> bytes:
        found = (self._path(parent) / name).lstat()
        node = self._known.setdefault((found.st_dev, found.st_ino), self._last + 1)
        self._last = max(self._last, node)
        self._nodes[node] = (parent, name)
        return struct.pack("<4QII", node, 0, 0, 0, 0, 0) + _attributes_of(found)

    def _look_up(self, node: int, body: bytes) -> bytes:
        return self._entry(node, self._named(node, body)[0])

    def _attributes(self, node: int) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + _attributes_of(self._path(node).lstat())

    def _set(self, node: int, body: bytes) -> bytes:
        which, _, _, size, _, _, at, _, _, at_ns, _, mode, _, owner, group, _ = _SET.unpack_from(body)
        path = self._path(node)
        if which & _MODE:
            path.chmod(stat.S_IMODE(mode))
        if which & (_OWNER | _GROUP):
            os.chown(path, owner if which & _OWNER else -1, group if which & _GROUP else -1, follow_symlinks=False)
        if which & _SIZE:
            os.truncate(path, size)
        if which & _WRITTEN:
            given = None if which & _WRITTEN_NOW else (at * 10**9 + at_ns, at * 10**9 + at_ns)
            os.utime(path, ns=given) if given else os.utime(path)
        return self._attributes(node)

    def _make_link(self, node: int, body: bytes) -> bytes:
        name, target, *_ = body.split(b"\0")
        _, path = self._named(node, name)
        path.symlink_to(os.fsdecode(target))
        return self._entry(node, os.fsdecode(name))

    def _make_folder(self, node: int, body: bytes) -> bytes:
        name, path = self._named(node, body[8:])
        path.mkdir(struct.unpack_from("<I", body)[0] & 0o7777)
        return self._entry(node, name)

    def _remove(self, remove: Callable[[Path], None], node: int, body: bytes) -> bytes:
        _, path = self._named(node, body)
        found = path.lstat()
        remove(path)
        if found.st_nlink == 1 or stat.S_ISDIR(found.st_mode):
            self._known.pop((found.st_dev, found.st_ino), None)  # another file may get its number
        return b""

    def _rename(self, node: int, body: bytes, at: int) -> bytes:
        [into] = struct.unpack_from("<Q", body)
        old, new, *_ = body[at:].split(b"\0")
        _, path = self._named(node, old)
        _, there = self._named(into, new)
        moved = path.lstat()
        path.rename(there).rename(self._path(into) / os.fsdecode(new))
        known = self._known.get((moved.st_dev, moved.st_ino))
        if known is not None:
            self._nodes[known] = (into, os.fsdecode(new))
        return b""

    def _link(self, node: int, body: bytes) -> bytes:
        [old] = struct.unpack_from("<Q", body)
        name, path = self._named(node, body[8:])
        os.link(self._path(old), path, follow_symlinks=False)
        return self._entry(node, name)

    def _open(self, node: int, body: bytes) -> bytes:
        flags = struct.unpack_from("<I", body)[0] & ~(os.O_CREAT | os.O_EXCL)
        return struct.pack("<QII", os.open(self._path(node), flags), 0, 0)

    def _create(self, node: int, body: bytes) -> bytes:
        flags, mode, *_ = struct.unpack_from("<4I", body)
        name, path = self._named(node, body[16:])
        handle = os.open(path, flags | os.O_CREAT, mode & 0o7777)
        os.fchmod(handle, mode & 0o7777)
        return self._entry(node, name) + struct.pack("<QII", handle, 0, 0)

    def _read(self, _node: int, body: bytes) -> bytes:
        handle, at, size = struct.unpack_from("<QQI", body)
        return os.pread(handle, size, at)

    def _write(self, _node: int, body: bytes) -> bytes:
        handle, at, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], at), 0)

    def _close(self, _node: int, body: bytes) -> bytes:
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def _list(self, node: int, body: bytes) -> bytes:
        _, begin, size = struct.unpack_from("<QQI", body)
        listed = b""
        for place, path in enumerate(sorted(self._path(node).iterdir())):
            if place < begin:
                continue
            found, raw = path.lstat(), os.fsencode(path.name)
            entry = struct.pack("<QQII", found.st_ino, place + 1, len(raw), stat.S_IFMT(found.st_mode) >> 12) + raw
            entry += bytes(-len(entry) % 8)
            if len(listed) + len(entry) > size:
                break
            listed += entry
        return listed


def _attributes_of(found: os.stat_result) -> bytes:
    times = (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
    seconds, rest = [ns // 10**9 for ns in times], [ns % 10**9 for ns in times]
    owner = (found.st_mode, found.st_nlink, found.st_uid, found.st_gid, 0, 4096, 0)
    return _ATTRIBUTES.pack(found.st_ino, found.st_size, found.st_blocks, *seconds, *rest, *owner)


def main(behind: str, at: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(_FUSE, os.O_RDWR)
    options = f"fd={handle},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    if libc.mount(b"folding", os.fsencode(at), b"fuse", 0, options.encode()):
        raise OSError(ctypes.get_errno(), "can't mount")
    try:
        _, _, unique, *_ = _HEADER.unpack_from(os.read(handle, _LARGEST))
        begun = struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 12, 9, 1 << 16, 1, 0, 0, 0, *[0] * 7)
        os.write(handle, struct.pack("<IiQ", 16 + len(begun), 0, unique) + begun)
        print("done", flush=True)
        disk = _Disk(Path(behind))
        os.set_blocking(handle, False)
        while handle in select.select([handle, sys.stdin], [], [])[0]:
            with suppress(BlockingIOError):  # the request was taken back meanwhile
                if (answer := disk.answer(os.read(handle, _LARGEST))) is not None:
                    os.write(handle, answer)
    finally:
        libc.umount2(os.fsencode(at), _UNMOUNT_AT_ONCE)


if __name__ == "__main__":
    main(*sys.argv[1:])
