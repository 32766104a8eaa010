"""All that a ledger holds, to compare it with another."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

CLOCK = {"changed_ms"}
"""Columns that hold when the ledger was written."""


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a ledger that was closed, the full-text index included."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql != ''")]
        return {table: _rows(db, table) for table in tables if table != "search"}


def _rows(db: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    columns = [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,)) if name not in CLOCK]
    return sorted(db.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall(), key=repr)
