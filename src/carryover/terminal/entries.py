"""Entries of two lines, as search, log and why print them: where and when, and below it the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from carryover.terminal.output import terminal_width, visible_but_style
from carryover.terminal.width import fitted

INDENT: Final = "  "
_BETWEEN: Final = " · "


class Entry(NamedTuple):
    """One entry. Both lines may be painted; without a text it is only the first."""

    head: Sequence[str]
    """Time, agent, session and the like; empty ones are left out."""
    text: str


def print_entries(entries: Iterable[Entry]) -> None:
    """Prints each entry, cut to the width of the terminal; without one nothing is cut."""
    width = terminal_width()
    for entry in entries:
        for line in (_BETWEEN.join(filter(None, entry.head)), f"{INDENT}{entry.text}" if entry.text else ""):
            shown = visible_but_style(line)
            if shown:
                print(shown if width is None else fitted(shown, width))
