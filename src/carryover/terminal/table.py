"""Lists fitted to the terminal: tables with a header row, and entries of a few lines. Without one, nothing is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from carryover.terminal.output import DIM, columns, cut_to_width, paint, terminal_width, wrapped
from carryover.terminal.streams import shown

GAP: Final = "  "
INDENT: Final = "  "
_BETWEEN: Final = " · "


class Column(NamedTuple):
    """A column of a table."""

    title: str
    least: int | None = None
    """Minimum width to which it may be narrowed on a terminal; None if its cells are never cut."""
    right: bool = False
    """Whether to align it right, as for numbers."""
    keep_end: bool = False
    """Whether to cut the beginning of cells, as for paths, whose end says most."""


def table_lines(heads: Sequence[Column], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yields the lines of a table, header first, fitted to the terminal; where that has no room for one, an entry for
    each row: numbers with their titles, and the text of a last column that may be narrowed below the rest."""
    every, width = list(rows), terminal_width()
    if width is None or _least_width(heads, every) <= width:
        header, *lines = table(heads, every, width)
        yield paint(header, DIM)
        yield from lines
        return
    has_text = heads[-1].least is not None
    for row in every:
        facts = [_fact(cell, head) for cell, head in zip(row, heads, strict=True)]
        yield from entry_lines(facts[:-1], facts[-1]) if has_text else entry_lines(facts)


def _fact(cell: str, head: Column) -> str:
    """Returns a cell as an entry names it, a number with its title: `4 prompts`, `1 prompt`."""
    title = head.title.lower()
    return f"{cell} {title.removesuffix('s') if cell == '1' else title}" if head.right else cell


def _least_width(heads: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """Returns the width of a table in which no column is narrower than its `least`."""
    widths = (max(columns(head.title), *(columns(shown(row[at])) for row in rows)) for at, head in enumerate(heads))
    needed = (
        width if head.least is None else min(width, head.least) for width, head in zip(widths, heads, strict=True)
    )
    return sum(needed) + len(GAP) * (len(heads) - 1)


def table(heads: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None) -> list[str]:
    """Returns the lines of a table, header first, in at most `width` columns; None: nothing is cut.

    Cells may be styled; each is one line, whatever its text. Space is taken from the widest column that may be
    narrowed: first down to its `least`, then to its title.
    """
    body = [[head.title for head in heads], *([shown(cell) for cell in row] for row in rows)]
    widths = [max(map(columns, cells)) for cells in zip(*body, strict=True)]
    if width is not None:
        _narrow(widths, heads, width - len(GAP) * (len(widths) - 1))
    return [GAP.join(map(_cell, row, widths, heads)).rstrip() for row in body]


def _narrow(widths: list[int], heads: Sequence[Column], room: int) -> None:
    """Narrows the columns until they fit into `room`, or can't be narrowed any further."""
    to_least = [head.least or 0 for head in heads]
    to_title = [len(head.title) for head in heads]
    for floors in (to_least, to_title):
        while sum(widths) > room:
            possible = [at for at, head in enumerate(heads) if head.least is not None and widths[at] > floors[at]]
            if not possible:
                break
            widest = max(possible, key=widths.__getitem__)
            widths[widest] -= 1


def _cell(text: str, width: int, head: Column) -> str:
    cell = cut_to_width(text, width, keep_end=head.keep_end)
    blanks = " " * (width - columns(cell))
    return f"{blanks}{cell}" if head.right else f"{cell}{blanks}"


def entry_lines(head: Iterable[str], said: str = "") -> Iterator[str]:
    """Yields the facts of `head` that are not empty, then `said` if there is any, fitted to the terminal.

    Facts follow each other in a line as far as it has room, and none is cut, as one may be a command to type. `said`
    is one line, cut at its end.
    """
    width = terminal_width()
    yield from _lines_of([fact for part in head if (fact := shown(part))], width)
    if said:
        text = shown(f"{INDENT}{said}")
        yield text if width is None else cut_to_width(text, width)


def _lines_of(facts: Iterable[str], width: int | None) -> Iterator[str]:
    lines: list[str] = []
    for fact in facts:
        if lines and (width is None or columns(f"{lines[-1]}{_BETWEEN}{fact}") <= width):
            lines[-1] += f"{_BETWEEN}{fact}"
        else:
            lines.append(f"{INDENT}{fact}" if lines else fact)
    for line in lines:
        yield from [line] if width is None else wrapped(line, width).split("\n")
