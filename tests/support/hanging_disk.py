"""A disk that hangs: a file system in user space whose server never answers, seen only by programs that enter here.

What looks at it waits until the disk is healed, as on a network drive whose server is gone. The program that mounts is
this module, in namespaces of its own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from support.forked import ALTERED

ALONE: Final = ("unshare", "--user", "--map-root-user", "--mount")
_FUSE: Final = "/dev/fuse"
_LARGEST: Final = 1 << 17
_NAMESPACES: Final = (("user", 0x10000000), ("mnt", 0x00020000))
_HEADER: Final = struct.Struct("<IIQQIIII")
_INIT: Final = struct.Struct("<IIIIHHIIHHI7I")
_ATTRIBUTES: Final = struct.Struct("<QII6Q10I")
_GETATTR: Final = 3
_TOP: Final = 1
_UNMOUNT_AT_ONCE: Final = 2


class HangingDisk:
    """Inside the block, `hang` has a folder hang for programs that were started with `inside`, and `heal` ends that."""

    def __init__(self) -> None:
        command = [*ALONE, sys.executable, "-m", "support.hanging_disk"]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        self._answer()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the disk; whatever waits for it gets an error."""
        if self._process.poll() is None:
            self._process.communicate()

    def hang(self, folder: Path) -> None:
        """From now on whatever looks into the folder waits; it can be killed."""
        self._ask("hang", folder)

    def hang_hard(self, folder: Path) -> None:
        """As `hang`, but what waits can't even be killed."""
        self._ask("hang_hard", folder)

    def hang_below(self, folder: Path) -> None:
        """As `hang_hard`, but the folder itself is there, as if that were still known of a disk that is gone."""
        self._ask("hang_below", folder)

    def heal(self, folder: Path) -> None:
        """Makes the folder what it was; what waits for it gets an error."""
        self._ask("heal", folder)

    def inside(self, program: str) -> Sequence[str]:
        """Returns the command of a Python program that sees the disk hang."""
        return (*ALTERED, f"from support.hanging_disk import enter; enter({self._process.pid}); {program}")

    def _ask(self, what: str, folder: Path) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {folder}\n")
        self._process.stdin.flush()
        self._answer()

    def _answer(self) -> None:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer == "done\n", answer


def can_hang() -> bool:
    """Whether this machine lets an ordinary user mount such a disk."""
    if sys.platform != "linux" or shutil.which("unshare") is None or not os.access(_FUSE, os.R_OK | os.W_OK):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


def enter(pid: int) -> None:
    """Moves this process, which has no other thread, to where that process sees the disk."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = Path.cwd()
    for name, kind in _NAMESPACES:
        handle = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        if libc.setns(handle, kind):
            raise OSError(ctypes.get_errno(), f"can't enter the {name} namespace")
        os.close(handle)
    os.chdir(here)


class _Mounted:
    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._servers: dict[str, int] = {}

    def hang(self, folder: str, serve: Callable[[int], None] = lambda _handle: None) -> None:
        handle = os.open(_FUSE, os.O_RDWR)
        options = f"fd={handle},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        if self._libc.mount(b"hanging", folder.encode(), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "can't mount")
        _, _, unique, *_ = _HEADER.unpack_from(os.read(handle, _LARGEST))
        body = _INIT.pack(7, 31, 0, 0, 12, 9, 1 << 16, 1, 0, 0, 0, *[0] * 7)
        os.write(handle, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
        self._servers[folder] = os.fork()  # it keeps the disk
        if self._servers[folder] == 0:
            serve(handle)
            signal.pause()
        os.close(handle)

    def heal(self, folder: str) -> None:
        self._libc.umount2(folder.encode(), _UNMOUNT_AT_ONCE)
        self.end(self._servers.pop(folder))

    def end_all(self) -> None:
        for server in self._servers.values():
            self.end(server)

    def end(self, server: int) -> None:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


def _take(handle: int) -> None:
    """Takes each request, so that the kernel can't withdraw it, and answers none."""
    while True:
        os.read(handle, _LARGEST)


def _know_the_top(handle: int) -> None:
    """Answers what the folder at the top is, and nothing else."""
    now = int(time.time())
    folder = _ATTRIBUTES.pack(1, 0, 0, 1, 4096, 8, now, now, now, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
    while True:
        _, kind, unique, node, *_ = _HEADER.unpack_from(os.read(handle, _LARGEST))
        if (kind, node) == (_GETATTR, _TOP):
            os.write(handle, struct.pack("<IiQ", 16 + len(folder), 0, unique) + folder)


def main() -> None:
    mounted = _Mounted()
    does: dict[str, Callable[[str], None]] = {
        "hang": mounted.hang,
        "hang_hard": partial(mounted.hang, serve=_take),
        "hang_below": partial(mounted.hang, serve=_know_the_top),
        "heal": mounted.heal,
    }
    print("done", flush=True)
    for line in sys.stdin:
        what, _, folder = line.rstrip("\n").partition(" ")
        does[what](folder)
        print("done", flush=True)
    mounted.end_all()


if __name__ == "__main__":
    main()
