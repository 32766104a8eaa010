"""What interactive search asks of the ledger, and what it is answered. Pure."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from carryover.ledger.search import Hit
from carryover.ledger.search_text import Kind, Term

FilterName = Literal["agent", "project", "day"]


class Span(NamedTuple):
    """A time from `since_ms` to `until_ms`, exclusive (UTC ms); None: without an end there."""

    since_ms: int | None = None
    until_ms: int | None = None

    def has(self, at_ms: int) -> bool:
        """Whether a moment is in it."""
        return (self.since_ms or 0) <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


ALWAYS: Final = Span()


class Asked(NamedTuple):
    """What is to be searched."""

    typed: str
    agent: str | None = None
    project_id: int | None = None
    span: Span = ALWAYS
    kinds: tuple[Kind, ...] = ()


class Item(NamedTuple):
    """A hit on the list."""

    hit: Hit
    agent: str
    """The agent's display name, with the machine that it ran on if that is another."""
    project: str
    """The short path of its project; `?` if that is unknown."""
    line: str
    """The part of its text with most of the words, on one line."""


class Listing(NamedTuple):
    """The answer to a query, best first."""

    asked: Asked
    items: tuple[Item, ...]
    terms: tuple[Term, ...] = ()
    """What was searched; none if the newest prompts are listed because nothing was."""
    more: bool = False
    """Whether there are more hits than are listed."""
    note: str = ""
    """In what way the list is not what was asked for, or not all of it."""


class Line(NamedTuple):
    """A line of a turn, of any length."""

    text: str
    places: tuple[tuple[int, int], ...] = ()
    """Where the words are: start and end, in order."""
    style: Literal["", "bold"] = ""


class Preview(NamedTuple):
    """The turn of a hit."""

    item: Item
    title: str
    lines: tuple[Line, ...]
    match: int
    """The index of the line that matches."""


class Limit(NamedTuple):
    """A value of a filter. None: no limit."""

    label: str
    value: str | int | Span | None


class Filter(NamedTuple):
    """A filter with its values, of which one is chosen."""

    name: FilterName
    limits: tuple[Limit, ...]
    at: int = 0

    @property
    def chosen(self) -> Limit:
        """The value that is chosen."""
        return self.limits[self.at]

    def moved(self, by: int) -> Filter:
        """Returns it with the next value chosen; the first one comes after the last."""
        return self._replace(at=(self.at + by) % len(self.limits))
