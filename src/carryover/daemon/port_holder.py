"""Finds which process listens on a port of this machine, as far as Linux shows it in /proc. Blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

PROC: Final = Path("/proc")
_LISTENS: Final = "0A"


class _Listener(msgspec.Struct, frozen=True):
    inode: str
    uid: int


def port_holder(port: int, *, proc: Path = PROC) -> str:
    """The process that listens on `port`: `process 4711 (python3)`, `a process of user 1001` or `another process`."""
    listener = next(_listeners(port, proc), None)
    if listener is None:
        return "another process"
    pid = _owner(listener.inode, proc)
    if pid is None:
        return f"a process of user {listener.uid}"
    name = ""
    with suppress(OSError):
        name = (proc / pid / "comm").read_text(errors="replace").strip()
    return f"process {pid} ({name})" if name else f"process {pid}"


def _listeners(port: int, proc: Path) -> Iterator[_Listener]:
    """Rows of the kernel's tables of TCP sockets: `sl local rem st queues tr retrnsmt uid timeout inode ...`."""
    for table in ("tcp", "tcp6"):
        try:
            rows = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in map(str.split, rows):
            if len(row) > 9 and row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port:
                yield _Listener(inode=row[9], uid=int(row[7]))


def _owner(inode: str, proc: Path) -> str | None:
    """The process that has the socket open; None where it is another user's, whose files we may not see."""
    wanted = f"socket:[{inode}]"
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError), os.scandir(folder / "fd") as descriptors:
            for descriptor in descriptors:
                if os.readlink(descriptor.path) == wanted:  # noqa: PTH115 (a Path for each is slow)
                    return folder.name
    return None
