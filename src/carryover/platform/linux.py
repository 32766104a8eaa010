"""Linux."""

from __future__ import annotations

import _thread
import errno
import fcntl
import os
import re
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carryover.platform.calls import Library, call_system, library, real_path
from carryover.platform.contract import End, Platform

if TYPE_CHECKING:
    from carryover.platform.inotify import Inotify

_AT_FDCWD: Final = -100
_AT_SYMLINK_NOFOLLOW: Final = 0x100
_STATX_BTIME: Final = 0x800
_STATX_BYTES: Final = 256
_MASK: Final = slice(0, 4)
_BTIME_S: Final = slice(0x50, 0x58)
_BTIME_NS: Final = slice(0x58, 0x5C)
_RENAME_EXCHANGE: Final = 2
_F_SETSIG: Final = 10
_F_SETLEASE: Final = 1024
_M_ARENA_MAX: Final = -8
"""Of glibc's malloc.h."""
_NO_PROCESS: Final = "0"
"""Inode of a connection that its process has closed or not accepted yet. Its user is then said to be root."""
_ESCAPED: Final = r"\\([0-7]{3})"


class Linux(Platform):
    """Linux, and whatever else is not macOS. `proc` and `libc`: what a test has in their place."""

    name = "linux"
    longest_address = 107

    def __init__(self, *, proc: Path = Path("/proc"), libc: Library = library) -> None:
        self._proc = proc
        self._libc = libc

    def canonical(self, path: Path | str) -> str:
        return real_path(path)

    def born_ns(self, path: Path) -> int | None:
        import ctypes  # loaded at the first call

        os.lstat(path)  # an old system says nothing of a missing file
        buffer = ctypes.create_string_buffer(_STATX_BYTES)
        asked = (_AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, buffer)
        if not call_system(self._function("statx"), *asked):
            return None
        found = buffer.raw
        if not int.from_bytes(found[_MASK], sys.byteorder) & _STATX_BTIME:
            return None
        seconds = int.from_bytes(found[_BTIME_S], sys.byteorder, signed=True)
        return seconds * 1_000_000_000 + int.from_bytes(found[_BTIME_NS], sys.byteorder)

    def exchange(self, one: Path, other: Path) -> bool:
        ends = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
        return call_system(self._function("renameat2"), *ends, _RENAME_EXCHANGE)

    def at_rest(self, descriptor: int) -> bool:
        """Takes a lease, which Linux refuses while anybody has the file open for writing or, because of an earlier
        lease, waits for that. Disks of other machines have none."""
        import signal

        try:
            fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)  # the usual signal would end this process
            fcntl.fcntl(descriptor, _F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return error.errno != errno.EAGAIN
        return True

    def mounts(self) -> list[str]:
        text = (self._proc / "self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        return [re.sub(_ESCAPED, _unescaped, line.split(" ")[4]) for line in text.splitlines()]

    def connection_owners(self, peer: End, own: End) -> set[int] | None:
        ends = tuple(f": {_in_table(*peer, mapped)} {_in_table(*own, mapped)} " for mapped in (False, True))
        tables: list[str] = []
        for table in ("net/tcp", "net/tcp6"):
            with suppress(OSError):
                tables.append((self._proc / table).read_text())
        lines = "\n".join(tables).splitlines()
        rows = [line.split() for line in lines if any(each in line for each in ends)]
        return {int(row[7]) for row in rows if row[9] != _NO_PROCESS} if tables else None

    def has_open(self, pid: int, path: Path) -> bool:
        try:
            wanted = path.stat()
            descriptors = [*(self._proc / f"{pid}/fd").iterdir()]
        except OSError:
            return False
        for descriptor in descriptors:
            with suppress(OSError):  # it was closed meanwhile
                if os.path.samestat(descriptor.stat(), wanted):
                    return True
        return False

    def inotify(self) -> Inotify | None:
        if "microsoft" in os.uname().release.lower():
            return None  # a WSL kernel reports nothing from the disks of Windows, for which rescans stand in
        libc = None
        with suppress(ImportError, OSError, MemoryError):  # as below
            libc = self._libc()
        if not hasattr(libc, "inotify_init1"):
            return None
        from carryover.platform.inotify import Inotify  # only the daemon needs it

        return Inotify(libc)

    def share_memory_among_threads(self) -> None:
        """Called on glibc, which gives each thread its own memory arena."""
        # Other C libraries have no such call, and a hardened system may not let Python call any.
        with suppress(ImportError, AttributeError, OSError, MemoryError):
            self._libc().mallopt(_M_ARENA_MAX, 1)

    def lower_priority(self, nice: int) -> None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, _thread.get_native_id(), nice)

    def address_in(self, folder: int, name: str) -> str | None:
        return f"/proc/self/fd/{folder}/{name}"

    def others_have_ipv6(self) -> bool:
        return (self._proc / "net/if_inet6").exists()

    def _function(self, name: str) -> Any:
        return getattr(self._libc(), name, None)


def _in_table(address: str, port: int, mapped: bool) -> str:
    """Returns an end of a connection as in the kernel's tables. `mapped`: of a program that reached it by IPv6."""
    packed = ip_address(f"::ffff:{address}" if mapped and "." in address else address).packed
    words = (int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4))
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 8))
