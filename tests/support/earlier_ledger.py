"""The ledger of Carryover 0.1.0, from what that version left on a machine (tests/fixtures/README.md)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

_RECORDED: Final = Path(__file__).parents[1] / "fixtures" / "state_0_1_0" / "ledger.sql"


def make_0_1_0(db: sqlite3.Connection) -> None:
    """Creates its tables, without content."""
    lines = _RECORDED.read_text(encoding="utf-8").splitlines()
    db.executescript("\n".join(line for line in lines if line.startswith(("PRAGMA user_version", "CREATE"))))
