"""What a process did that can be counted exactly: files opened, statements, processes started, modules imported."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Final

import msgspec

import carryover

_RECORDER: Final = Path(__file__).with_name("recorder")
_CODE: Final = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), str(Path(carryover.__file__).parents[1]))


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a process did, each kind in the order in which it happened."""

    opened: tuple[str, ...] = ()
    """Paths of files, those of code left out."""
    listed: tuple[str, ...] = ()
    """Paths of folders."""
    databases: tuple[str, ...] = ()
    """What SQLite was asked to open."""
    statements: tuple[str, ...] = ()
    """The file name of the database and the beginning of the statement."""
    asked: tuple[str, ...] = ()
    """Addresses of the sockets that were connected to."""
    processes: tuple[str, ...] = ()
    """Command lines."""
    modules: tuple[str, ...] = ()
    """Those imported by the end, beyond what a bare interpreter has."""
    recorded_bytes: int = 0
    """What the process wrote to record all this."""

    @property
    def transactions(self) -> int:
        """How many were begun explicitly."""
        return sum(each.partition(" ")[2].startswith("BEGIN") for each in self.statements)

    @property
    def own_modules(self) -> int:
        """How many of the modules are the product's own."""
        return sum(name.split(".")[0] == "carryover" for name in self.modules)


_FIELDS: Final = {
    "open": "opened",
    "list": "listed",
    "database": "databases",
    "statement": "statements",
    "ask": "asked",
    "process": "processes",
    "module": "modules",
}


class Journal:
    """A file that processes write to while they run. A mark is a place in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which a Python process records what it does."""
        return {"COUNTED": str(self._path), "COUNTED_CODE": os.pathsep.join(_CODE), "PYTHONPATH": str(_RECORDER)}

    def mark(self) -> int:
        """The place after what has happened so far."""
        return self._path.stat().st_size

    def since(self, mark: int, pid: int) -> Costs:
        """What the process `pid` did after `mark`."""
        found: dict[str, list[str]] = {}
        recorded_bytes = 0
        with self._path.open("rb") as file:
            file.seek(mark)
            for line in file:
                process, kind, detail = line.decode().rstrip("\n").split("\t", 2)
                if int(process) == pid:
                    found.setdefault(_FIELDS[kind], []).append(detail)
                    recorded_bytes += len(line)
        return msgspec.convert({**found, "recorded_bytes": recorded_bytes}, Costs)
