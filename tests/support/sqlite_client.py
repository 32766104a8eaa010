"""Databases of agents, filled from what a real client left, or written row by row as one writes them."""

import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self


def filled(path: Path, *dumps: str) -> Path:
    """A database in a folder of its own with what SQL dumps hold."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.executescript("".join(dumps))
    db.close()
    return path


@cache
def schema_in(dump: Path) -> str:
    """The statements of a dump that make tables and indexes."""
    return "\n".join(re.findall(r"^CREATE (?:TABLE|INDEX|UNIQUE INDEX).*?;$", dump.read_text("utf-8"), re.S | re.M))


class SqliteClient:
    """A client with its database open, made with `schema` if there is none.

    With `wal`, what it writes stays in the log beside the database while it runs.
    """

    def __init__(self, path: Path, schema: str, *, wal: bool = True) -> None:
        self.path = path
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path)
        if wal:
            self.db.execute("PRAGMA journal_mode=WAL")
        if is_new:
            self.db.executescript(schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.db.close()

    def insert(self, table: str, row: Mapping[str, Any]) -> None:
        """A row, in place of one with its key; it is not committed."""
        values = ", ".join(f":{name}" for name in row)
        self.db.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({values})", row)
