"""Chooses the lines of a handoff that fit its budget: those that are fixed, by rank; then those worth most for their
tokens, each name counted once in the whole text; and the files of earlier calls that no line mentions."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from carryover.distill.entry import Entry
from carryover.distill.handoff import Handoff
from carryover.distill.learned import LINE
from carryover.distill.names import names_in
from carryover.distill.quotes import estimated_tokens, in_code
from carryover.distill.sections.recent_files import place_in_calls
from carryover.distill.worth import InPlay, suffix_of
from carryover.records.text import names_handoff_file

Spot = tuple[int, int]
"""Where an entry stands: the number of its section, and its place there."""
_LINE_TOKENS: Final = 6
"""What a line costs a reader beside its text."""
_NEEDED_PART: Final = 12
"""A needed line takes at most one twelfth of the tokens."""
_SEEN_AGAIN: Final = 0.5
"""The share of its worth that a line keeps if it shows what the next agent can look at again,
or tests that passed."""
_LINE_CHARS: Final = 270
"""Of the 300 characters of a line; the others are for its mark and label."""


class Room(NamedTuple):
    """How much may still be taken, or is taken."""

    lines: int
    tokens: int
    chars: int

    def less(self, other: Room) -> Room:
        """Returns the room without the other one."""
        return Room(self.lines - other.lines, self.tokens - other.tokens, self.chars - other.chars)

    def more(self, other: Room) -> Room:
        """Returns the room and the other one."""
        return Room(self.lines + other.lines, self.tokens + other.tokens, self.chars + other.chars)


_NOTHING: Final = Room(0, 0, 0)


def fitted(sections: Sequence[tuple[str, Sequence[Entry]]], handoff: Handoff, room: Room) -> Choice:
    """Chooses the entries that fit: those that are fixed, then others by worth. A heading costs a line too. Until a
    quote with a needed entry has a line, room is left for the first needed one, unless it is long (`_NEEDED_PART`)."""
    choice = Choice(sections, handoff, room)
    entries = {(place, at): entry for place, (_, own) in enumerate(sections) for at, entry in enumerate(own)}
    for _, spot in sorted((entry.rank, spot) for spot, entry in entries.items() if entry.rank is not None):
        choice.take(spot)
    others = [spot for spot, entry in entries.items() if entry.rank is None]
    needed = [spot for spot, entry in entries.items() if entry.needed]
    if needed and not choice.has_any(needed) and _NEEDED_PART * choice.cost(needed[0]).tokens <= room.tokens:
        choice.cover(others, sparing=choice.cost(needed[0]))
        if not choice.has_any(needed):
            choice.take(needed[0])
    choice.cover(others)
    return choice


def files_not_held(names: Mapping[str, InPlay], held: Collection[str], root: str, tokens: int) -> str:
    """Returns the files of the work that a call used and that no line mentions; the next agent most likely needs the
    first. A name is a file's if a path in a call has its suffix: `cart.py` beside `src/tax.py`, and not `rows.map`."""
    called = sorted((-name.worth, key, name.shown) for key, name in names.items() if name.called)
    suffixes = {suffix_of(name) for *_, name in called if "/" in name and "://" not in name} - {""}
    files: list[str] = []
    chars = _LINE_CHARS
    for _, key, name in called:
        is_file = suffix_of(name) in suffixes and not names[key].gone and ("/" in name or _is_whole(key, name, names))
        shown = _shown(name, root) if is_file and key not in held else None
        if shown is None:
            continue
        tokens -= estimated_tokens(f"{shown}, ")
        chars -= len(f"{shown}, ")
        if min(tokens, chars) < 0:
            break
        files.append(shown)
    return ", ".join(files)


def _is_whole(key: str, name: str, names: Collection[str]) -> bool:
    """Whether a name without a folder may be a file's: not `console.log`, nor what a search had after a `*`, as
    `.test.ts` where there is `tax.test.ts`."""
    return not name.endswith(".log") and not (name[0] == "." and any(other.endswith(f".{key}") for other in names))


def _shown(name: str, root: str) -> str | None:
    """Returns a file's name as it is shown; None for one that is not part of the work and for the handoff itself."""
    if " " in root:  # names end at a blank, so of such a root they have only the end
        name = name.removeprefix(f"{root.rpartition(' ')[2]}/")
    shown = None if "://" in name or names_handoff_file(name) else place_in_calls(name, root)
    return in_code(shown) if shown is not None and " " in shown else shown


class _Offer(NamedTuple):
    """What an entry is worth by its names, each counted once in the whole text, and `alone`; and what it costs."""

    names: dict[str, float]
    alone: float
    tokens: int


class Choice:
    """The entries that are `kept` so far, and the names that they mention, those that are `held`."""

    def __init__(self, sections: Sequence[tuple[str, Sequence[Entry]]], handoff: Handoff, room: Room) -> None:
        self._sections = sections
        self._worth = {key: name.worth for key, name in handoff.names}
        self._turns_since = {turn: since for since, turn in enumerate(handoff.turns)}
        self._room = room
        self._opened: set[int] = set()
        self._labelled: set[tuple[object, ...]] = set()
        self.held: set[str] = set()
        self.kept: set[Spot] = set()

    def take(self, spot: Spot) -> None:
        """Takes an entry if it fits."""
        left = self._room.less(self.cost(spot))
        if min(left) < 0:
            return
        place, _ = spot
        entry = self._entry(spot)
        self._room = left
        self._opened.add(place)
        self._labelled.add(self._quote(spot))
        self.held.update(_keys_in(entry.shown))
        self.kept.add(spot)

    def has_any(self, spots: Iterable[Spot]) -> bool:
        """Whether a part of any of these quotes was taken."""
        return any(self._quote(spot) in self._labelled for spot in spots)

    def cover(self, spots: Iterable[Spot], sparing: Room = _NOTHING) -> None:
        """Takes entries by what they are worth for their tokens. A worth only falls while others are taken, so an entry
        that is still the best when it is valued again is the best of all. Once a part of a quote is taken, it
        names the speaker and the others cost less: these are offered again. Room is left for `sparing`."""
        self._room = self._room.less(sparing)
        offers = {spot: self._offer(spot) for spot in spots}
        quotes = defaultdict[tuple[object, ...], list[Spot]](list)
        for spot in offers:
            quotes[self._quote(spot)].append(spot)
        heap = [(-self._value(offer), spot) for spot, offer in offers.items()]
        heapq.heapify(heap)
        while heap and min(self._room) > 0:  # each line takes something of everything
            _, spot = heapq.heappop(heap)
            if spot in self.kept:
                continue
            value = self._value(offers[spot])
            if heap and value < -heap[0][0]:
                heapq.heappush(heap, (-value, spot))
                continue
            self.take(spot)
            for other in quotes.pop(self._quote(spot), ()) if spot in self.kept else ():
                offers[other] = self._offer(other)
                heapq.heappush(heap, (-self._value(offers[other]), other))
        self._room = self._room.more(sparing)

    def _offer(self, spot: Spot) -> _Offer:
        entry = self._entry(spot)
        since = self._turns_since.get((entry.session, entry.turn or 0), 0)
        shown, worth = entry.text if self._follows(spot) else entry.shown, self._worth
        share = _SEEN_AGAIN if entry.again else 1.0
        return _Offer(
            names={key: share * worth[key] for key in _keys_in(shown) if key in worth},
            alone=entry.alone + share * max(0.0, LINE["any line"] + LINE["turns since"] * math.log1p(since)),
            tokens=estimated_tokens(shown) + _LINE_TOKENS,
        )

    def _value(self, offer: _Offer) -> float:
        new = sum(worth for key, worth in offer.names.items() if key not in self.held)
        return (new + offer.alone) / offer.tokens

    def _entry(self, spot: Spot) -> Entry:
        place, at = spot
        return self._sections[place][1][at]

    def _quote(self, spot: Spot) -> tuple[object, ...]:
        place, _ = spot
        return (place, *self._entry(spot).quote)

    def _follows(self, spot: Spot) -> bool:
        """Whether another part of the same quote has been taken, which names the speaker."""
        return self._entry(spot).parts > 1 and self._quote(spot) in self._labelled

    def cost(self, spot: Spot) -> Room:
        """Returns the room that an entry takes, counted line by line: the sum is never less than the whole text's."""
        lines = self._lines(spot)
        tokens = sum(estimated_tokens(f"{line}\n") for line in lines)
        return Room(len(lines), tokens, sum(len(line) + 1 for line in lines))

    def _lines(self, spot: Spot) -> list[str]:
        """Returns what taking an entry adds: its line, below the heading if it is the first of its section."""
        place, _ = spot
        entry = self._entry(spot)
        speaker = "> " if self._follows(spot) else f"{entry.label}: "
        cut = " …" if entry.part < entry.parts - 1 else ""
        line = f"- {speaker}{'… ' if entry.part else ''}{entry.text}{cut}"
        return [line] if place in self._opened else [f"## {self._sections[place][0]}", line]


@lru_cache(maxsize=2048)  # most lines are the same in every handoff
def _keys_in(line: str) -> tuple[str, ...]:
    return tuple(names_in(line))
