"""Entries of two lines: facts such as time and agent, and below them the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from carryover.terminal.output import terminal_width, visible_but_style
from carryover.terminal.width import fitted

INDENT: Final = "  "
_BETWEEN: Final = " · "


class Entry(NamedTuple):
    """One entry, which may be painted; an empty text is not printed."""

    head: Sequence[str]
    """Facts for the first line; empty ones are left out."""
    text: str


def print_entries(entries: Iterable[Entry]) -> None:
    """Prints each entry; on a terminal, lines are cut to its width."""
    width = terminal_width()
    for entry in entries:
        for line in (_BETWEEN.join(filter(None, entry.head)), f"{INDENT}{entry.text}" if entry.text else ""):
            shown = visible_but_style(line)
            if shown:
                print(shown if width is None else fitted(shown, width))
