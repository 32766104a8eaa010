"""The record of when the closed half was scored: once for a version, so that nobody tunes with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from carryover import __version__

RECORD: Final = Path(__file__).with_name("closed_runs.tsv")


def refusal(record: Path = RECORD) -> str:
    """Returns why the closed half may not be scored now; empty if it may."""
    rows = record.read_text(encoding="utf-8").splitlines()[1:]
    done = [row for row in rows if row.split("\t")[0] == __version__]
    return f"The closed half was scored for {__version__} already: {done[0]!r}. It is scored once." if done else ""


def add(seed: int, sessions: int, record: Path = RECORD) -> None:
    """Adds this version to the record."""
    row = f"{__version__}\t{datetime.now(UTC):%Y-%m-%d}\t{seed}\t{sessions}\n"
    record.write_text(record.read_text(encoding="utf-8") + row, encoding="utf-8")
