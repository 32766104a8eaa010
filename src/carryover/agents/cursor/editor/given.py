"""Giving out what is new in a conversation, once; taking back what is no longer in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.agents.cursor.editor.conversation import Reading, Unreadable, is_silent
from carryover.agents.cursor.editor.late import MAX_LATE, NOTHING, content_mark
from carryover.agents.cursor.editor.records import (
    AnyRecord,
    BubbleRecord,
    Conversation,
    PassedByRecord,
    StateRecord,
    encoded,
    taken_back,
    told_of,
)
from carryover.agents.cursor.editor.state import Seen, beginning_of, trimmed
from carryover.agents.cursor.editor.wire import Bubble, ident_of, mark_of, number_of, time_of
from carryover.readers.sqlite import TooLarge
from carryover.records.identity import digest

MAX_TAKES: Final = 2_000
MAX_LOOSE: Final = 200

Take = Callable[[AnyRecord | None], bool]
"""Takes a record, and says whether there is no more room."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """`left_before_end`: there was no more room. `waits`: some of it is not final yet."""

    seen: Seen
    left_before_end: bool = False
    waits: bool = False
    oversized: int = 0


def give_out(
    reading: Reading,
    conversation: Conversation,
    seen: Seen,
    *,
    settled: bool,
    moved_ms: int,
    rewritten: frozenset[str],
    ghosts: Callable[[], list[str]],
    may_be_forgotten: bool,
    take: Take,
) -> Given:
    """Hand what is new to `take`. `settled`: nobody writes any more, so what is not final is taken as it is.

    `rewritten`: ids of bubbles written since the last look. `ghosts` gives the ids of all bubbles that have a row,
    listed or not. `may_be_forgotten`: some may have been given out though `seen` does not know of any.
    """
    if not reading.is_known:
        return Given(seen=seen)
    giving = _Giving(
        reading=reading,
        conversation=conversation,
        settled=settled,
        moved_ms=moved_ms,
        rewritten=rewritten,
        take=take,
        order=[place.mark for place in reading.places],
        marks=seen.given(),
        takes=dict(seen.takes),
        loose=list(seen.loose),
        late=dict(seen.late),
        stale=set(seen.stale),
        last_ms=seen.last_ms or time_of(reading.composer.created_at) or moved_ms,
    )
    return giving.run(seen, ghosts, may_be_forgotten=may_be_forgotten)


@dataclass(slots=True)
class _Giving:
    reading: Reading
    conversation: Conversation
    settled: bool
    moved_ms: int
    rewritten: frozenset[str]
    take: Take
    order: list[bytes]
    marks: list[bytes]
    takes: dict[bytes, int]
    loose: list[bytes]
    late: dict[bytes, bytes]
    stale: set[bytes]
    last_ms: int
    waits: bool = False
    oversized: int = 0

    def run(self, seen: Seen, ghosts: Callable[[], list[str]], *, may_be_forgotten: bool) -> Given:
        before = seen.before if seen.beginning == beginning_of(self.order, seen.before) else 0
        forgotten = before != seen.before or (may_be_forgotten and not seen.marks)
        self._take_back_vanished(ghosts() if forgotten else [])
        self._take_back_rewritten()
        given = {*self.order[:before], *self.marks} - set(self.loose)
        for number, mark in enumerate(self.order):
            if mark in given:
                continue
            if self.take(None):
                return self._given(seen, before, left_before_end=True)
            given.add(mark)
            self._give(number)
        told = self._tell_state(seen.told)
        return self._given(msgspec.structs.replace(seen, told=told), before)

    def _given(self, seen: Seen, before: int, *, left_before_end: bool = False) -> Given:
        seen = msgspec.structs.replace(
            seen,
            before=before,
            marks=b"".join(self.marks),
            takes=dict(list(self.takes.items())[-MAX_TAKES:]),
            loose=tuple(self.loose[-MAX_LOOSE:]),
            late=dict(list(self.late.items())[-MAX_LATE:]),
            stale=tuple(sorted(self.stale)),
            last_ms=self.last_ms,
        )
        return Given(
            seen=trimmed(seen, self.order),
            left_before_end=left_before_end,
            waits=self.waits,
            oversized=self.oversized,
        )

    def _take_back_vanished(self, ghosts: list[str]) -> None:
        """Of what is forgotten, whatever has a row may have been given out."""
        there = set(self.order)
        self._take_back([mark for mark in dict.fromkeys([*self.marks, *map(mark_of, ghosts)]) if mark not in there])

    def _take_back_rewritten(self) -> None:
        """The first time at once, after that when nobody writes any more: it may be what an answer looks like that is
        streamed."""
        for number, place in enumerate(self.reading.places):
            if place.mark not in self.late or not (place.bubble_id in self.rewritten or place.mark in self.stale):
                continue
            self.stale.discard(place.mark)
            content = self._content(number)
            if content in (NOTHING, self.late[place.mark]):
                continue
            if self.settled or not self.takes.get(place.mark):
                self._take_back([place.mark])
            else:
                self.stale.add(place.mark)
                self.waits = True

    def _content(self, number: int) -> bytes:
        try:
            bubble = self.reading.bubble(number)
        except (TooLarge, Unreadable):
            return NOTHING
        return content_mark(bubble) if bubble is not None else NOTHING

    def _take_back(self, marks: list[bytes]) -> None:
        bubbles = [(ident_of(mark), self.takes.get(mark, 0)) for mark in marks]
        for record in taken_back(self.conversation, self.last_ms, bubbles):
            self.take(record)
        gone = set(marks)
        self.marks = [mark for mark in self.marks if mark not in gone]
        self.loose = [mark for mark in self.loose if mark not in gone]
        for mark in marks:
            self.takes[mark] = self.takes.pop(mark, 0) + 1
            self.late.pop(mark, None)
            self.stale.discard(mark)

    def _give(self, number: int) -> None:
        place = self.reading.places[number]
        try:
            bubble = self.reading.bubble(number)
        except TooLarge:
            self.oversized += 1
            return self._note(place.mark)
        except Unreadable:
            if self.settled:
                self.take(PassedByRecord(what="bubble", why="not JSON"))
            return self._note_if_settled(place.mark)
        if bubble is None:
            return self._note_if_settled(place.mark)
        is_final = self.reading.is_final(number, bubble)
        if place.mark in self.loose:
            if not is_final:
                return None
            self._take_back([place.mark])
        elif not is_final and not self.settled:
            self.waits = True
            return None
        self.last_ms = place.at_ms or time_of(bubble.created_at) or self.last_ms
        if not is_silent(bubble):
            self.take(self._record(number, bubble, whole=is_final))
        if not is_final:
            self.loose.append(place.mark)
        else:
            self.late[place.mark] = content_mark(bubble)
        return self._note(place.mark)

    def _note(self, mark: bytes) -> None:
        self.marks.append(mark)

    def _note_if_settled(self, mark: bytes) -> None:
        """A row that is not there may still be written, unless the conversation is long over."""
        if self.settled:
            self.late[mark] = NOTHING
            self._note(mark)
        else:
            self.waits = True

    def _record(self, number: int, bubble: Bubble, *, whole: bool) -> BubbleRecord:
        place = self.reading.places[number]
        own = number_of(bubble.type)
        return BubbleRecord(
            conversation=self.conversation,
            bubble_id=ident_of(place.mark),
            at_ms=self.last_ms,
            take=self.takes.get(place.mark, 0),
            whole=whole,
            follows=self.reading.follows(number),
            status=self._end() if number == len(self.order) - 1 else "",
            type=own if own is not None else place.type,
            bubble=bubble,
        )

    def _end(self) -> str:
        """How the conversation's last turn ended, empty where it goes on."""
        return "" if self.reading.is_generating else self.reading.status

    def _tell_state(self, told: int) -> int:
        """Tell of the conversation as a whole where that is news; a digest of what is told now."""
        if not self.order:
            return told
        composer = self.reading.composer
        end = "" if self.waits else self._end()
        failed = end in ("aborted", "error")
        record = StateRecord(
            conversation=self.conversation,
            at_ms=self.last_ms,
            status=end,
            bubble_id=ident_of(self.order[-1]) if failed else "",
            take=self.takes.get(self.order[-1], 0) if failed else 0,
            todos=composer.todos,
            summary=composer.latest_conversation_summary,
        )
        mark = int(digest(encoded(told_of(record)))[:12], 16)
        if mark != told:
            self.take(record)
        return mark
