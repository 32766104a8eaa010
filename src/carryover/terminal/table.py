"""Prints tables with a header row, fitted to the terminal; without a terminal, nothing is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from carryover.terminal.output import DIM, paint, terminal_width, visible_but_style
from carryover.terminal.width import columns, fitted, padded

GAP: Final = "  "


class Column(NamedTuple):
    """A column of a table."""

    title: str
    least: int | None = None
    """Minimum width to which it may be narrowed on a terminal; None if its cells are never cut."""
    right: bool = False
    """Whether to align it right, as for numbers."""
    keep_end: bool = False
    """Whether to cut the beginning of cells, as for paths, whose end says most."""


def print_table(heads: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Prints `rows` below a header row, fitted to the terminal."""
    header, *lines = table(heads, rows, terminal_width())
    print(paint(header, DIM))
    for line in lines:
        print(line)


def table(heads: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None) -> list[str]:
    """Returns the lines of a table, header first, in at most `width` columns; None: nothing is cut.

    Cells may be styled; each is one line, whatever its text. Space is taken from the widest column that may be
    narrowed.
    """
    body = [tuple(map(visible_but_style, row)) for row in rows]
    titles = tuple(head.title for head in heads)
    widths = [max(columns(row[at]) for row in (titles, *body)) for at in range(len(heads))]
    if width is not None:
        _narrow(widths, heads, width)
    header = GAP.join(
        padded(fitted(head.title, wide), wide, right=head.right) for head, wide in zip(heads, widths, strict=True)
    )
    return [header.rstrip(), *(_line(row, widths, heads) for row in body)]


def _narrow(widths: list[int], heads: Sequence[Column], width: int) -> None:
    """Narrows columns until all fit: first to their `least`, then to their titles."""
    for floor_of in (lambda head: head.least, lambda head: len(head.title)):
        while sum(widths) + len(GAP) * (len(widths) - 1) > width:
            possible = [
                at for at, head in enumerate(heads) if head.least is not None and widths[at] > (floor_of(head) or 0)
            ]
            if not possible:
                break
            widths[max(possible, key=lambda at: widths[at])] -= 1


def _line(row: Sequence[str], widths: Sequence[int], heads: Sequence[Column]) -> str:
    cells = [
        padded(fitted(cell, width, keep_end=head.keep_end), width, right=head.right)
        for cell, width, head in zip(row, widths, heads, strict=True)
    ]
    return GAP.join(cells).rstrip()
