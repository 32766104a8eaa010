"""macOS. Numbers are of the headers of macOS 14, which have been the same since 10.12."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from carryover.platform.calls import Library, call_system, library, real_path
from carryover.platform.contract import Platform

_AT_FDCWD: Final = -2
_RENAME_SWAP: Final = 2
_F_GETPATH: Final = 50
_F_FULLFSYNC: Final = 51
_LONGEST_PATH: Final = 1024
_DATA: Final = "/system/volumes/data"
_PRIVATE: Final = "/private"
_LINKED: Final = ("/etc/", "/tmp/", "/var/")
_O_EVTONLY: Final = 0x8000
_MNT_NOWAIT: Final = 2
_STATFS_BYTES: Final = 2168
_MOUNTED_ON: Final = slice(88, 88 + _LONGEST_PATH)
_MACOS_26: Final = 16
"""What a Python that was built for an older macOS calls it."""
_NO_FULL_SYNC: Final = (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY, errno.EOPNOTSUPP)
"""Of a disk that can't do it, as a network disk."""

_DEVELOPER_TOOLS: Final = (
    "/var/db/xcode_select_link",  # what `xcode-select` has chosen
    "/Applications/Xcode.app/Contents/Developer",
    "/Library/Developer/CommandLineTools",
)

Control = Callable[[int, int, Any], Any]
"""As `fcntl.fcntl`."""


class Darwin(Platform):
    """macOS. All that it is made with is what a test has in its place."""

    name = "darwin"
    watches_trees = True
    longest_address = 103

    def __init__(
        self,
        *,
        control: Control = fcntl.fcntl,
        libc: Library = library,
        stubs: str = "/usr/bin",
        tools: Sequence[str] = _DEVELOPER_TOOLS,
    ) -> None:
        """`stubs`: the folder of the programs that run Apple's tools of the same names; `tools`: where those may be."""
        self._control = control
        self._libc = libc
        self._stubs = stubs
        self._tools = tools

    def canonical(self, path: Path | str) -> str:
        real = Path(real_path(path))
        for there in (real, *real.parents):
            with suppress(OSError):
                return str(self._named(there) / real.relative_to(there))
        return str(real)

    def alike(self, path: str) -> str:
        """Most disks take letters of either case for the same, and accents however they are composed; three folders of
        the top are links."""
        import unicodedata

        letters = unicodedata.normalize("NFD", path)
        folded = "".join(one if len(one := letter.casefold()) == 1 else letter for letter in letters)
        text = unicodedata.normalize("NFC", folded).removeprefix(_DATA)
        return _PRIVATE + text if f"{text}/".startswith(_LINKED) else text

    def born_ns(self, path: Path) -> int | None:
        found = os.lstat(path)
        born: float | None = getattr(found, "st_birthtime", None)
        return None if born is None else int(born * 1_000_000_000)

    def exchange(self, one: Path, other: Path) -> bool:
        function = getattr(self._libc(), "renameatx_np", None)
        return call_system(function, _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_SWAP)

    def full_sync(self, descriptor: int) -> None:
        """`fsync` alone leaves the content in the disk's own memory."""
        try:
            self._control(descriptor, _F_FULLFSYNC, 0)
        except OSError as error:
            if error.errno not in _NO_FULL_SYNC:
                raise
            os.fsync(descriptor)

    def mounts(self) -> list[str]:
        """Of `getmntinfo`, in the form with 64-bit inodes."""
        import ctypes

        libc = self._libc()
        list_of = getattr(libc, "getmntinfo$INODE64", None) or libc.getmntinfo
        entries = ctypes.c_void_p()
        count = list_of(ctypes.byref(entries), _MNT_NOWAIT)
        if count <= 0 or entries.value is None:
            raise OSError(ctypes.get_errno(), "no list of mounts")
        data = ctypes.string_at(entries.value, count * _STATFS_BYTES)
        each = (data[at : at + _STATFS_BYTES] for at in range(0, len(data), _STATFS_BYTES))
        return [os.fsdecode(entry[_MOUNTED_ON].partition(b"\0")[0]) for entry in each]

    def allow_descriptors(self, number: int) -> None:
        """What is started in a terminal has 256."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = number if hard == resource.RLIM_INFINITY else min(number, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

    def asks_network_for_localhost(self) -> bool:
        return int(platform.mac_ver()[0].partition(".")[0]) < _MACOS_26  # Safari does

    def withholds(self, folder: Path) -> bool:
        """In Documents, Desktop and Downloads, in iCloud and on other disks, unless the user has allowed it."""
        try:
            os.scandir(folder).close()
        except OSError as error:
            return error.errno == errno.EPERM
        return False

    def git_usable(self, path: str) -> bool:
        """Its own runs the one of Apple's developer tools. Where they are missing it opens a window and waits."""
        folder = next((each for each in path.split(os.pathsep) if os.access(Path(each, "git"), os.X_OK)), None)
        if folder != self._stubs:
            return True
        tools = next((each for each in self._tools if os.path.lexists(each)), None)
        return tools is not None and os.access(Path(tools, "usr/bin/git"), os.X_OK)

    def _named(self, there: Path) -> Path:
        """Returns the path of a folder, spelt as on disk. Raises OSError, also for a file, which may have several."""
        descriptor = os.open(there, _O_EVTONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            found: bytes = self._control(descriptor, _F_GETPATH, bytes(_LONGEST_PATH))
        finally:
            os.close(descriptor)
        return Path(os.fsdecode(found.partition(b"\0")[0]))
