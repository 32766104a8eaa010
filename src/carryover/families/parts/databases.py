"""Finds the databases: each `*.db` in the data folder, or the one that a variable names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Reader
from carryover.families.parts.wire import TABLES
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.files import SQLITE

_SUFFIX: Final = ".db"
_BESIDE: Final = re.compile(r"(?<=\.db)-(?:wal|journal)\Z")


def database_at(path: Path, root: Path) -> Path | None:
    """Returns the database at `path`, by name alone; None if it is not one. A change beside it counts as its own.

    `root` is the data folder, or a database.
    """
    path = Path(_BESIDE.sub("", str(path)))
    is_below = path.parent == root and not path.name.startswith(".")
    return path if path.suffix == _SUFFIX and (path == root or is_below) else None


def databases(root: Path) -> list[Path]:
    """Returns the databases below `root`, sorted by path."""
    found = [root] if root.is_file() else sorted(root.glob(f"*{_SUFFIX}"), key=str)
    return [path for path in found if database_at(path, root) is not None]


def tables_of_copy(path: Path, head: bytes) -> set[str]:
    """Returns the tables of a database anywhere on disk, if it is of this family; otherwise none."""
    from carryover.readers.sqlite import table_names

    tables = set(table_names(path)) if path.suffix == _SUFFIX and head.startswith(SQLITE) else set()
    return tables if tables >= TABLES else set()


def _kind_of(path: Path) -> str | None:
    return "database" if path.suffix == _SUFFIX else None


def _readers() -> Mapping[str, Reader]:
    from carryover.families.parts.database import DatabaseReader
    from carryover.readers.stat_cache import StatCachedReader

    return {"database": StatCachedReader(DatabaseReader())}


READER: Final = ReaderByKind(_kind_of, _readers)
"""Reads a database of an agent that keeps nothing else."""
