"""A session as a list of pieces, whatever store it comes from: what each says once, as soon as that is final.

A prompt is one piece. Each part of an answer is two, since a tool call is known long before its result; the end of
the answer is one more. What an answer still adds to is held back, and so is all that comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import msgspec

from carryover.agents.opencode.wire import (
    BeginRecord,
    MessageRecord,
    PartEntry,
    Session,
    SessionRecord,
    encoded,
)
from carryover.readers.rewritten import NotYet, Piece
from carryover.readers.sqlite import TooLarge
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, text_of

SETTLED_MS: Final = 120_000
"""An answer that was not written to for that long is taken as it is."""
PROMPT_SETTLED_MS: Final = 2_000
"""The same for a prompt that nothing follows yet: its parts come one by one."""
CALLING: Final = ("tool-calls", "tool_calls", "unknown")
"""Why a message ended, where the turn continues."""
_OPEN_STATES: Final = ("pending", "running")

Stage = Literal["prompt", "begun", "ended", "end"]


class MessageRow(msgspec.Struct, frozen=True):
    """A message as its store lists it. Times in UTC milliseconds."""

    id: str
    created_ms: int
    updated_ms: int
    by_user: bool


class PartRow(msgspec.Struct, frozen=True):
    """A part as its store lists it."""

    id: str
    updated_ms: int


class StoredPart(msgspec.Struct, frozen=True):
    """A part with its content; None: it is too large to be read."""

    id: str
    data: bytes | None


class Store(Protocol):
    """What one session is read from."""

    def message_rows(self) -> Sequence[MessageRow]:
        """The messages, oldest first."""
        ...

    def part_rows(self) -> dict[str, list[PartRow]]:
        """The parts by the message's id, each list oldest first."""
        ...

    def message(self, ident: str) -> bytes | None:
        """A message; None where it cannot be read. Raises TooLarge."""
        ...

    def parts(self, message: str) -> list[StoredPart]:
        """The parts of a message, oldest first."""
        ...


class Revert(msgspec.Struct, frozen=True):
    """From where on a session was undone; it is removed for good by the next prompt."""

    message: str = msgspec.field(default="", name="messageID")
    part: str | None = msgspec.field(default=None, name="partID")


@dataclass(frozen=True, slots=True)
class _Place:
    """What a piece represents."""

    stage: Stage
    message: int
    part: str = ""


@dataclass(slots=True)
class _Loaded:
    """A message with its parts, read once for all of its pieces."""

    number: int
    data: bytes
    parts: list[StoredPart]
    kinds: dict[str, str]
    states: dict[str, str]

    @property
    def message(self) -> Fields:
        return fields_of(self.data)


@dataclass(slots=True)
class Talk:
    """See `carryover.readers.rewritten.Conversation`.

    Messages older than the session are copies that a fork brought along, so they are not of this session.
    """

    store: Store
    session: Session
    now_ms: int
    created_ms: int = 0
    revert: Revert | None = None
    rows: list[MessageRow] = field(init=False)
    part_rows: dict[str, list[PartRow]] = field(init=False)
    pieces: list[Piece] = field(init=False)
    rests_ms: int | None = field(init=False, default=None)
    _places: list[_Place] = field(init=False)
    _loaded: _Loaded | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        rows = self.store.message_rows()
        self.rows = _kept([row for row in rows if row.created_ms >= self.created_ms], self.revert)
        self.part_rows = self.store.part_rows()
        if self.revert is not None and self.revert.part is not None and self.rows:
            last = self.rows[-1].id
            if last == self.revert.message:
                before = [part for part in self.part_rows.get(last, ()) if part.id < self.revert.part]
                self.part_rows[last] = before
        self.pieces, self._places = [], []
        for number, row in enumerate(self.rows):
            self._add_pieces(number, row)

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """Says that pieces follow."""
        return encoded(BeginRecord(session=self.session, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        """The record of a piece. Raises NotYet and TooLarge."""
        place = self._places[number]
        row, loaded = self.rows[place.message], self._load(place.message)
        if place.stage == "prompt":
            self._wait_unless(place, self.now_ms - self._changed_ms(row) >= PROMPT_SETTLED_MS, PROMPT_SETTLED_MS)
            return self._record(loaded, *_entries(loaded, begun=True, ended=True), ended=True)
        if place.stage == "end":
            self._wait_unless(place, self._is_over(place.message), SETTLED_MS)
            return self._record(loaded, ended=True)
        kind, state = loaded.kinds.get(place.part, ""), loaded.states.get(place.part, "")
        if place.stage == "begun":
            if kind != "tool":
                return None
            self._wait_unless(place, state != "pending" or self._is_over(place.message), SETTLED_MS)
            return self._record(loaded, *_entries(loaded, place.part, begun=True))
        is_final = state not in _OPEN_STATES if kind == "tool" else self._is_followed(loaded, place.part)
        self._wait_unless(place, is_final or self._is_over(place.message), SETTLED_MS)
        if kind == "tool" and state in _OPEN_STATES:
            return None  # the client was killed before the call came back
        return self._record(loaded, *_entries(loaded, place.part, ended=True))

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002 (the name is the protocol's)
        """The session itself, whose title may change."""
        return encoded(SessionRecord(session=self.session))

    def whole_message(self, number: int) -> bytes:
        """A message with all it holds, for a store that is never written to again. Raises TooLarge."""
        loaded = self._load(number)
        return self._record(loaded, *_entries(loaded, begun=True, ended=True), ended=True)

    def _add_pieces(self, number: int, row: MessageRow) -> None:
        parts = self.part_rows.get(row.id, [])
        if row.by_user:
            newest = max((part.updated_ms for part in parts), default=0)
            self._add(_Place("prompt", number), row.id, f"{len(parts)} {newest}")
            return
        for part in parts:
            self._add(_Place("begun", number, part.id), f"{part.id} begun", "")
            self._add(_Place("ended", number, part.id), part.id, part.updated_ms)
        self._add(_Place("end", number), f"{row.id} end", row.updated_ms)

    def _add(self, place: _Place, ident: str, mark: str | int) -> None:
        self.pieces.append((ident, mark))
        self._places.append(place)

    def _load(self, number: int) -> _Loaded:
        if self._loaded is None or self._loaded.number != number:
            row = self.rows[number]
            wanted = {part.id for part in self.part_rows.get(row.id, ())}
            parts = [part for part in self.store.parts(row.id) if part.id in wanted]
            read = {part.id: fields_of(part.data) for part in parts}
            self._loaded = _Loaded(
                number=number,
                data=self.store.message(row.id) or b"null",
                parts=parts,
                kinds={ident: text_of(part.get("type")) for ident, part in read.items()},
                states={ident: text_of(fields_of(part.get("state")).get("status")) for ident, part in read.items()},
            )
        return self._loaded

    def _record(self, loaded: _Loaded, *parts: PartEntry, ended: bool = False) -> bytes:
        finish = text_of(loaded.message.get("finish"))
        texts = [ident for ident, kind in loaded.kinds.items() if kind in ("text", "tool")]
        is_last_text = bool(finish) and finish not in CALLING and bool(texts) and loaded.kinds[texts[-1]] == "text"
        return encoded(
            MessageRecord(
                session=self.session,
                id=self.rows[loaded.number].id,
                data=_raw(loaded.data),
                parts=parts,
                last_text=texts[-1] if is_last_text else "",
                ended=ended,
            )
        )

    def _is_over(self, number: int) -> bool:
        """Whether nothing more will come of a message: it ended, another one follows, or it has rested for long."""
        if number < len(self.rows) - 1:
            return True
        message = self._load(number).message
        if "completed" in fields_of(message.get("time")) or "error" in message:
            return True
        return self.now_ms - self._changed_ms(self.rows[number]) >= SETTLED_MS

    def _is_followed(self, loaded: _Loaded, part: str) -> bool:
        """Whether a part is complete, since another follows. A text may be the answer until the message has ended."""
        later = [kind for ident, kind in loaded.kinds.items() if ident > part]
        if loaded.kinds.get(part) == "text":
            return any(kind in ("text", "tool") for kind in later)
        return bool(later)

    def _wait_unless(self, place: _Place, is_final: bool, rest_ms: int) -> None:
        if not is_final and place.message == len(self.rows) - 1:
            self.rests_ms = self._changed_ms(self.rows[place.message]) + rest_ms
            raise NotYet

    def _changed_ms(self, row: MessageRow) -> int:
        times = [part.updated_ms for part in self.part_rows.get(row.id, ())]
        return min(max((row.updated_ms, *times)), self.now_ms)


def _kept(rows: list[MessageRow], revert: Revert | None) -> list[MessageRow]:
    """The messages without those that were undone."""
    if revert is None:
        return rows
    at = next((number for number, row in enumerate(rows) if row.id == revert.message), len(rows))
    return rows[:at] if revert.part is None else rows[: at + 1]


def _entries(loaded: _Loaded, *only: str, begun: bool = False, ended: bool = False) -> list[PartEntry]:
    """The parts for a record. Raises TooLarge where one cannot be read for its size."""
    chosen = [part for part in loaded.parts if not only or part.id in only]
    entries = [
        PartEntry(id=part.id, data=_raw(part.data), begun=begun, ended=ended)
        for part in chosen
        if part.data is not None
    ]
    if chosen and not entries:
        raise TooLarge
    return entries


def _raw(data: bytes) -> msgspec.Raw:
    """The content of a row, where it is JSON; else a text, so that the record around it stays readable."""
    raw = msgspec.Raw(data)
    if rawjson.part_of(raw, msgspec.Raw) is not None:
        return raw
    return msgspec.Raw(msgspec.json.encode(data.decode("utf-8", "replace")[:100]))
