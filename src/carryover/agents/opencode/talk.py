"""A session as a list of pieces, from whatever store: each piece is emitted once, as soon as it is final.

A prompt is one piece. Each part of an answer is two pieces, since a tool call is known long before its result; the end
of the answer is one more. Parts that may still grow are held back, and so is everything after them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import msgspec

from carryover.agents.opencode.stored import Row, StoredPart, StoredSession
from carryover.agents.opencode.wire import BeginRecord, MessageRecord, PartEntry, Session, SessionRecord
from carryover.readers.rewritten import NotYet, Piece
from carryover.readers.sqlite import TooLarge
from carryover.records import rawjson
from carryover.records.lenient import fields_of, read_as, text_of

SETTLED_MS: Final = 120_000
"""An answer that was not written to for this long is taken as it is."""
PROMPT_SETTLED_MS: Final = 2_000
"""The same for a prompt that nothing follows yet, whose parts come one by one."""
CALLING: Final = ("tool-calls", "tool_calls", "unknown")
"""Reasons why a message ends while the turn continues."""
_OPEN_STATES: Final = ("pending", "running")


class Revert(msgspec.Struct, frozen=True):
    """The point that a session was reverted to. The next prompt deletes what follows it."""

    message: str = msgspec.field(default="", name="messageID")
    part: str | None = msgspec.field(default=None, name="partID")


def revert_in(data: bytes | msgspec.Raw | None) -> Revert | None:
    """Returns the point that a session was reverted to, as stored; None if it was not."""
    revert = read_as(data, Revert)
    return revert if revert is not None and revert.message else None


class _Place(NamedTuple):
    """A piece's place in the session, and its kind."""

    stage: Literal["prompt", "begun", "ended", "end"]
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


@dataclass(slots=True)
class Talk:
    """A session's pieces; see `carryover.readers.rewritten.Conversation`.

    Messages older than the session were copied by a fork and are left out.
    """

    store: StoredSession
    session: Session
    now_ms: int
    created_ms: int = 0
    revert: Revert | None = None
    pieces: list[Piece] = field(init=False, default_factory=list)
    rests_ms: int | None = field(init=False, default=None)
    _rows: list[Row] = field(init=False)
    _parts: dict[str, list[Row]] = field(init=False)
    _places: list[_Place] = field(init=False, default_factory=list)
    _loaded: _Loaded | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._rows = [row for row in self.store.message_rows() if row.created_ms >= self.created_ms]
        self._parts = self.store.part_rows()
        if self.revert is not None:
            self._leave_out(self.revert)
        for number, row in enumerate(self._rows):
            self._add_pieces(number, row)

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """Returns the record that announces pieces."""
        return msgspec.json.encode(BeginRecord(session=self.session, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        """Returns the record of a piece. Raises NotYet and TooLarge."""
        place = self._places[number]
        loaded = self._load(place.message)
        kind, state = loaded.kinds.get(place.part, ""), loaded.states.get(place.part, "")
        match place.stage:
            case "prompt":
                rested_ms = self.now_ms - self._changed_ms(self._rows[place.message])
                self._wait_unless(place, rested_ms >= PROMPT_SETTLED_MS, PROMPT_SETTLED_MS)
                return self._record(loaded, *_entries(loaded, begun=True, ended=True), ended=True)
            case "end":
                self._wait_unless(place, self._is_over(place.message))
                return self._record(loaded, ended=True)
            case "begun":
                if kind != "tool":
                    return None
                self._wait_unless(place, state != "pending" or self._is_over(place.message))
                return self._record(loaded, *_entries(loaded, place.part, begun=True))
        is_final = state not in _OPEN_STATES if kind == "tool" else self._is_followed(loaded, place.part)
        self._wait_unless(place, is_final or self._is_over(place.message))
        if kind == "tool" and state in _OPEN_STATES:
            return None  # the client was killed before the call came back
        return self._record(loaded, *_entries(loaded, place.part, ended=True))

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002 (the name is the protocol's)
        """Returns the record of the session itself, whose title may change."""
        return msgspec.json.encode(SessionRecord(session=self.session))

    def _leave_out(self, revert: Revert) -> None:
        """Drops the messages, or parts of the last one, that were reverted."""
        at = next((number for number, row in enumerate(self._rows) if row.id == revert.message), len(self._rows))
        self._rows = self._rows[: at if revert.part is None else at + 1]
        if revert.part is not None:
            parts = self._parts.get(revert.message, ())
            self._parts[revert.message] = [part for part in parts if part.id < revert.part]

    def _add_pieces(self, number: int, row: Row) -> None:
        parts = self._parts.get(row.id, [])
        if row.by_user:
            # Its own row is written again with the files that the turn changed.
            self._add(_Place("prompt", number), row.id, " ".join(str(part.updated_ms) for part in parts))
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
            ident = self._rows[number].id
            wanted = {part.id for part in self._parts.get(ident, ())}
            parts = [part for part in self.store.parts(ident) if part.id in wanted]
            read = {part.id: fields_of(part.data) for part in parts}
            self._loaded = _Loaded(
                number=number,
                data=self.store.message(ident) or b"null",
                parts=parts,
                kinds={ident: text_of(part.get("type")) for ident, part in read.items()},
                states={ident: text_of(fields_of(part.get("state")).get("status")) for ident, part in read.items()},
            )
        return self._loaded

    def _record(self, loaded: _Loaded, *parts: PartEntry, ended: bool = False) -> bytes:
        finish = text_of(fields_of(loaded.data).get("finish"))
        texts = [ident for ident, kind in loaded.kinds.items() if kind in ("text", "tool")]
        is_last_text = bool(finish) and finish not in CALLING and bool(texts) and loaded.kinds[texts[-1]] == "text"
        record = MessageRecord(
            session=self.session,
            id=self._rows[loaded.number].id,
            data=_raw(loaded.data),
            parts=parts,
            last_text=texts[-1] if is_last_text else "",
            ended=ended,
        )
        return msgspec.json.encode(record)

    def _is_over(self, number: int) -> bool:
        """Whether a message is complete: it ended, another follows it, or it has not changed for long."""
        if number < len(self._rows) - 1:
            return True
        message = fields_of(self._load(number).data)
        if "completed" in fields_of(message.get("time")) or "error" in message:
            return True
        return self.now_ms - self._changed_ms(self._rows[number]) >= SETTLED_MS

    def _is_followed(self, loaded: _Loaded, part: str) -> bool:
        """Whether another part follows, so that this one is complete.

        A text may still be the answer until its message ends.
        """
        later = [kind for ident, kind in loaded.kinds.items() if ident > part]
        if loaded.kinds.get(part) == "text":
            return any(kind in ("text", "tool") for kind in later)
        return bool(later)

    def _wait_unless(self, place: _Place, is_final: bool, rest_ms: int = SETTLED_MS) -> None:
        if not is_final and place.message == len(self._rows) - 1:
            self.rests_ms = self._changed_ms(self._rows[place.message]) + rest_ms
            raise NotYet

    def _changed_ms(self, row: Row) -> int:
        times = [part.updated_ms for part in self._parts.get(row.id, ())]
        return min(max((row.updated_ms, *times)), self.now_ms)


def _entries(loaded: _Loaded, *only: str, begun: bool = False, ended: bool = False) -> list[PartEntry]:
    """Returns the parts for a record. Raises TooLarge if one is too large to be read."""
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
    """Returns a row's content if it is JSON, or else as a JSON string, so that the record around it stays readable."""
    raw = msgspec.Raw(data)
    if rawjson.part_of(raw, msgspec.Raw) is not None:
        return raw
    return msgspec.Raw(msgspec.json.encode(data.decode("utf-8", "replace")[:100]))
