from __future__ import annotations

import pytest

from carryover.terminal import table
from carryover.terminal.table import Column, entry_lines, table_lines

COMMAND = "carryover show 3f2a0c51 --turn 12"
HEAD = ("4 min ago", "Claude Code", COMMAND, "", "prompt")


HEADS = (Column("DAY", least=8), Column("INPUT", right=True), Column("CACHE READ", right=True))
ROWS = [("2026-11-20", "12,000", "1,234,567"), ("total", "12,000", "1,234,567")]
AS_TABLE = ["DAY          INPUT  CACHE READ", "2026-11-20  12,000   1,234,567", "total       12,000   1,234,567"]
AS_ENTRIES = ["2026-11-20 · 12,000 input", "  1,234,567 cache read", "total · 12,000 input", "  1,234,567 cache read"]


@pytest.mark.parametrize(("width", "lines"), [(None, AS_TABLE), (30, AS_TABLE), (27, AS_ENTRIES)])
def test_where_a_table_has_no_room_each_row_is_an_entry(
    monkeypatch: pytest.MonkeyPatch, width: int | None, lines: list[str]
) -> None:
    monkeypatch.setattr(table, "terminal_width", lambda: width)

    assert list(table_lines(HEADS, ROWS)) == lines


def test_the_text_of_a_row_without_room_is_below_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "terminal_width", lambda: 24)
    heads = (Column("SESSION"), Column("PROMPTS", right=True), Column("TASK", least=16))

    rows = [("3f2a0c51", "4", "Add a discount to the cart"), ("0199a0de", "1", "Paint it")]
    assert list(table_lines(heads, rows)) == [
        *("3f2a0c51 · 4 prompts", "  Add a discount to the…"),
        *("0199a0de · 1 prompt", "  Paint it"),
    ]


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
