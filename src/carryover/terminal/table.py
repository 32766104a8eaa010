"""Tables with a header row, as wide as the terminal; without one nothing is cut."""

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
    """The width to which it may be narrowed on a terminal; None: its cells are never cut."""
    right: bool = False
    """Aligned to the right, as numbers are."""
    keep_end: bool = False
    """The beginning is cut off, as with paths, whose end says most."""


def print_table(heads: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Prints `rows` below a header row, fitted to the terminal."""
    header, *lines = table(heads, rows, terminal_width())
    print(paint(header, DIM))
    for line in lines:
        print(line)


def table(heads: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None) -> list[str]:
    """The lines of a table, the header row first, in at most `width` columns; None: nothing is cut.

    Cells may be painted; each is one line, whatever text is in it. Room is taken from the widest column that may be
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
    """Narrows the columns that may be until all fit: to their `least` first, then to their titles."""
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
