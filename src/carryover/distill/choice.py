"""Chooses the lines of a handoff that fit its budget: those that are fixed, by weight; then those worth most for their
tokens, each name counted once in the whole text; and the files of earlier calls that no line mentions."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from carryover.distill.entry import FIXED, INSTEAD, NEEDED, Entry
from carryover.distill.handoff import Handoff
from carryover.distill.learned import LINE
from carryover.distill.names import names_in
from carryover.distill.quotes import estimated_tokens
from carryover.distill.sections.recent_files import place_in_calls
from carryover.distill.worth import InPlay, suffix_of
from carryover.records.text import names_handoff_file

Spot = tuple[int, int]
"""Where an entry stands: the number of its section, and its place there."""
_LINE_TOKENS: Final = 6
"""What a line costs a reader beside its text."""
_BEFORE_OLD_PROMPTS: Final = FIXED - 0.01
"""The weight that a needed line gets when it is fixed."""
_NEEDED_PART: Final = 12
"""A needed line takes at most one twelfth of the tokens."""
_SEEN_AGAIN: Final = 0.5
"""The share of its worth that a line keeps if it shows what the next agent can look at again."""
_LINE_CHARS: Final = 270


class Room(NamedTuple):
    """How much may still be taken."""

    lines: int
    tokens: int
    chars: int


def fitted(sections: Sequence[tuple[str, Sequence[Entry]]], handoff: Handoff, room: Room) -> Choice:
    """Chooses the entries that fit, of those that are not empty. A heading costs a line too.

    If the choice holds no line of a needed quote, nor of one that may stand instead, it is made again with the needed
    line fixed, unless that line is too long (`_NEEDED_PART`)."""
    spots = [((place, at), entry) for place, (_, own) in enumerate(sections) for at, entry in enumerate(own)]
    entries = {spot: entry for spot, entry in spots if entry.label or entry.text}
    offers: dict[tuple[Spot, bool], _Offer] = {}
    choice = _chosen(Choice(sections, handoff, room, offers), entries, ())
    quoted = {entries[spot].quote for spot in choice.kept}
    if any(entry.weight == INSTEAD and entry.quote in quoted for entry in entries.values()):
        return choice
    lacking = {spot: one for spot, one in entries.items() if one.weight == NEEDED and one.quote not in quoted}
    missing = [spot for spot, one in lacking.items() if _NEEDED_PART * estimated_tokens(one.shown) <= room.tokens]
    return _chosen(Choice(sections, handoff, room, offers), entries, missing) if missing else choice


def _chosen(choice: Choice, entries: Mapping[Spot, Entry], needed: Collection[Spot]) -> Choice:
    fixed = [(entry.weight, spot) for spot, entry in entries.items() if entry.weight <= FIXED]
    fixed += [(_BEFORE_OLD_PROMPTS, spot) for spot in needed]
    for _, spot in sorted(fixed):
        choice.take(spot)
    choice.cover([spot for spot, entry in entries.items() if entry.weight > FIXED and spot not in needed])
    return choice


def files_not_held(names: Mapping[str, InPlay], held: Collection[str], root: str, tokens: int) -> str:
    """Returns the files of the work that a call used and that no line mentions; the next agent most likely needs the
    first. A name is a file's if a path in a call has its suffix: `cart.py` beside `src/tax.py`, and not `rows.map`."""
    called = sorted((-name.worth, key, name.shown) for key, name in names.items() if name.called)
    suffixes = {suffix_of(name) for *_, name in called if "/" in name and "://" not in name} - {""}
    files: list[str] = []
    chars = _LINE_CHARS
    for _, key, name in called:
        is_file = suffix_of(name) in suffixes and not names[key].gone
        shown = _shown(name, root) if is_file and key not in held else None
        if shown is None:
            continue
        tokens -= estimated_tokens(f"{shown}, ")
        chars -= len(f"{shown}, ")
        if min(tokens, chars) < 0:
            break
        files.append(shown)
    return ", ".join(files)


def _shown(name: str, root: str) -> str | None:
    """Returns a file's name as it is shown; None for one that is not part of the work and for the handoff itself."""
    if " " in root:  # names end at a blank, so of such a root they have only the end
        name = name.removeprefix(f"{root.rpartition(' ')[2]}/")
    return None if "://" in name or names_handoff_file(name) else place_in_calls(name, root)


class _Offer(NamedTuple):
    """What an entry is worth by its names, each counted once in the whole text, and `alone`; and what it costs."""

    names: dict[str, float]
    alone: float
    tokens: int


class Choice:
    """The entries that are `kept` so far, and the names that they mention, those that are `held`. `offers` are the same
    for all choices from the same sections, each by its entry and whether another part of its quote was taken."""

    def __init__(
        self,
        sections: Sequence[tuple[str, Sequence[Entry]]],
        handoff: Handoff,
        room: Room,
        offers: dict[tuple[Spot, bool], _Offer],
    ) -> None:
        self._sections = sections
        self._offers = offers
        self._worth = {key: name.worth for key, name in handoff.names}
        self._turns_since = {turn: since for since, turn in enumerate(handoff.turns)}
        self._room = room
        self._opened: set[int] = set()
        self._labelled: set[tuple[object, ...]] = set()
        self.held: set[str] = set()
        self.kept: set[Spot] = set()

    def take(self, spot: Spot) -> None:
        """Takes an entry if it fits."""
        lines = self._lines(spot)
        # Counted line by line, so that the sum is never less than the whole text's.
        left = Room(
            self._room.lines - len(lines),
            self._room.tokens - sum(estimated_tokens(f"{line}\n") for line in lines),
            self._room.chars - sum(len(line) + 1 for line in lines),
        )
        if min(left) < 0:
            return
        place, _ = spot
        entry = self._entry(spot)
        self._room = left
        self._opened.add(place)
        self._labelled.add(self._quote(spot))
        self.held.update(_keys_in(entry.shown))
        self.kept.add(spot)

    def cover(self, spots: Iterable[Spot]) -> None:
        """Takes entries by what they are worth for their tokens. A worth only falls while others are taken, so an entry
        that is still the best when it is valued again is the best of all. Once a part of a quote is taken, it
        names the speaker and the others cost less: these are offered again."""
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

    def _offer(self, spot: Spot) -> _Offer:
        follows = self._follows(spot)
        known = self._offers.get((spot, follows))
        if known is not None:
            return known
        entry = self._entry(spot)
        since = self._turns_since.get((entry.session, entry.turn or 0), 0)
        shown, worth = entry.text if follows else entry.shown, self._worth
        share = _SEEN_AGAIN if entry.again else 1.0
        offer = self._offers[spot, follows] = _Offer(
            names={key: share * worth[key] for key in _keys_in(shown) if key in worth},
            alone=entry.alone + share * max(0.0, LINE["any line"] + LINE["turns since"] * math.log1p(since)),
            tokens=estimated_tokens(shown) + _LINE_TOKENS,
        )
        return offer

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
