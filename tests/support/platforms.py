"""macOS on another system: the calls that `carryover.platform.darwin` makes, answered as macOS would."""

from __future__ import annotations

import ctypes
import errno
import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from carryover.platform import LINUX, MACOS, choose, here
from carryover.platform.contract import Platform
from carryover.platform.darwin import Darwin
from carryover.platform.linux import Linux

_GETPATH: Final = 50
_FULLFSYNC: Final = 51
_SWAP: Final = 2
_FAILED: Final = -1


@contextmanager
def on(platform: Platform | str) -> Iterator[None]:
    """Has the code in the block believe to be on `platform`."""
    before = here()
    named: dict[str, Callable[[], Platform]] = {LINUX: Linux, MACOS: fake_darwin}
    before = here()
    choose(named[platform]() if isinstance(platform, str) else platform)
    try:
        yield
    finally:
        choose(before)


def fake_darwin(
    mounts: Sequence[str] = ("/",),
    *,
    swaps: bool = True,
    syncs: bool = True,
    stubs: str = "/usr/bin",
    tools: Sequence[str] = ("/",),
) -> Darwin:
    """Returns macOS with these mounts, and a disk that can exchange files and be flushed, or not. `stubs`, `tools`: as
    for `Darwin`; git is found."""

    def control(descriptor: int, command: int, argument: Any) -> Any:
        if command == _GETPATH:
            path = Path(f"/dev/fd/{descriptor}").readlink()
            return os.fsencode(_spelt_as_on_disk(path)).ljust(len(argument), b"\0")
        assert command == _FULLFSYNC
        if not syncs:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        os.fsync(descriptor)
        return 0

    def renameatx_np(_from: int, one: bytes, _to: int, other: bytes, flags: int) -> int:
        assert flags == _SWAP
        try:
            done = swaps and Linux().exchange(Path(os.fsdecode(one)), Path(os.fsdecode(other)))
        except OSError as error:
            ctypes.set_errno(error.errno or 0)
            return _FAILED
        ctypes.set_errno(0 if done else errno.ENOTSUP)
        return 0 if done else _FAILED

    kept: list[Any] = []

    def getmntinfo(pointer: Any, _flags: int) -> int:
        entries = b"".join(bytes(88) + os.fsencode(point).ljust(1024, b"\0") + bytes(1056) for point in mounts)
        kept[:] = [ctypes.create_string_buffer(entries)]
        pointer._obj.value = ctypes.addressof(kept[0])
        return len(mounts)

    libc = SimpleNamespace(renameatx_np=renameatx_np, **{"getmntinfo$INODE64": getmntinfo})
    return Darwin(control=control, libc=lambda: libc, stubs=stubs, tools=tools)


def altered(**calls: Callable[..., object]) -> Platform:
    """Returns the platform of this moment, with other answers to some calls: `altered(born_ns=lambda _path: None)`."""
    platform = copy(here())
    vars(platform).update(calls)
    return platform


def full_disk(folder: Path, *, before: Callable[[], object] = lambda: None) -> Platform:
    """Returns the platform of this moment, where no file below `folder` can be written any more. `before` is called
    when one was to be."""
    really = here()

    def full_sync(descriptor: int) -> None:
        if any(os.path.samestat(os.fstat(descriptor), path.lstat()) for path in folder.rglob("*")):
            before()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        really.full_sync(descriptor)

    return altered(full_sync=full_sync)


def settings_folder(home: Path) -> Path:
    """Returns where editors have their settings and data."""
    return home / ("Library/Application Support" if here().name == MACOS else ".config")


@contextmanager
def withheld(folder: Path) -> Iterator[None]:
    """Has nothing in `folder` be opened or listed, as macOS does where a privacy setting forbids it; what is there may
    be seen."""
    really: dict[str, Callable[..., Any]] = {"open": os.open, "scandir": os.scandir}

    def unless_below(name: str) -> Callable[..., Any]:
        def called(path: Any = ".", *arguments: Any, **more: Any) -> Any:
            if not isinstance(path, int) and Path(os.fsdecode(path)).is_relative_to(folder):
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
            return really[name](path, *arguments, **more)

        return called

    try:
        for name in really:
            setattr(os, name, unless_below(name))
        yield
    finally:
        for name, function in really.items():
            setattr(os, name, function)


def _spelt_as_on_disk(path: Path) -> Path:
    """A disk that folds letters gives the spelling that was asked for; the list of its folder has the right one."""
    spelt = Path("/")
    for name in path.parts[1:]:
        others = {name.swapcase(), *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))} - {name}
        folds = any(os.path.lexists(spelt / other) for other in others)
        listed = {folded(entry.name): entry.name for entry in spelt.iterdir()} if folds else {}
        spelt /= listed.get(folded(name), name)
    return spelt


def folded(name: str) -> str:
    """Returns what all spellings of a file's name have in common on a disk of macOS."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
