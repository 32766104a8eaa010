"""Recorded sessions as a table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from carryover.cli.output import BOLD, ago, harmless, one_line, paint
from carryover.cli.table import Column, print_table
from carryover.paths import short_path

TASK_LIMIT: Final = 200
"""Characters of a title or task; it may be a prompt of many pages."""
LIMIT: Final = 20
"""Sessions in a list for which no other number is asked."""


def print_sessions(listed: Sequence[Mapping[str, Any]], names: Mapping[str, str], *, with_project: bool) -> None:
    """Prints entries, at least one, as a table as wide as the terminal. `names`: those of agents, by id."""
    heads = (
        Column("SESSION"),
        Column("AGENT", least=6),
        *((Column("PROJECT", least=10, keep_end=True),) if with_project else ()),
        Column("LAST"),
        Column("PROMPTS", right=True),
        Column("TASK", least=16),
    )
    now_ms = int(time.time() * 1000)
    print_table(heads, (_row(entry, names, now_ms, with_project=with_project) for entry in listed))


def _row(entry: Mapping[str, Any], names: Mapping[str, str], now_ms: int, *, with_project: bool) -> tuple[str, ...]:
    project = [harmless(short_path(entry["project"], Path.home())) if entry["project"] else "?"] if with_project else []
    return (
        paint(entry["short"], BOLD),
        names.get(entry["agent"], entry["agent"]),
        *project,
        ago(entry["last_ms"], now_ms),
        f"{entry['prompts']:,}",
        one_line(entry["title"] or entry["task"] or "", TASK_LIMIT),
    )
