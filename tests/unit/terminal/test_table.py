from __future__ import annotations

import pytest

from carryover.terminal import table
from carryover.terminal.table import entry_lines

COMMAND = "carryover show 3f2a0c51 --turn 12"
HEAD = ("4 min ago", "Claude Code", COMMAND, "", "prompt")


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (None, ["4 min ago · Claude Code · carryover show 3f2a0c51 --turn 12 · prompt", "  Add a discount"]),
        (60, ["4 min ago · Claude Code · carryover show 3f2a0c51 --turn 12", "  prompt", "  Add a discount"]),
        (40, ["4 min ago · Claude Code", "  carryover show 3f2a0c51 --turn 12", "  prompt", "  Add a discount"]),
        (24, ["4 min ago · Claude Code", "  carryover show", "  3f2a0c51 --turn 12", "  prompt", "  Add a discount"]),
    ],
)
def test_no_fact_of_an_entry_is_cut(monkeypatch: pytest.MonkeyPatch, width: int | None, lines: list[str]) -> None:
    monkeypatch.setattr(table, "terminal_width", lambda: width)

    assert list(entry_lines(HEAD, "Add a discount")) == lines
