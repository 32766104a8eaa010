"""Merges one conversation from what hooks received and from its transcript.

The transcript has more detail about a turn (failures, perhaps output of commands) but is written after the turn has
ended. Hook calls cover the current turn, and everything if no transcript is written. So a conversation consists of
calls from before the transcript begins, the transcript, and calls of turns after its last one. Once a turn is in the
transcript, its calls no longer count; the ledger replaces them (`carryover.readers.rewritten`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat, Reader
from carryover.adapter.spooled import SpooledCall, copy_beside
from carryover.agents.windsurf import wire
from carryover.agents.windsurf.locate import transcript_of
from carryover.readers.bounds import LOOK_BYTES, MOST_LINES
from carryover.readers.files import read_head
from carryover.readers.rewritten import OnlyConversation, SnapshotReader
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, first_text, text_of

MAX_SPOOLED_BYTES: Final = 32 << 20
"""The largest spool file of a session."""
MAX_TRANSCRIPT_BYTES: Final = LOOK_BYTES - MAX_SPOOLED_BYTES
"""What comes after it is not read. A transcript only grows, so its beginning never changes; later turns count by their
calls."""
SAME_CALL_MS: Final = 2_000
"""If the same hook is registered twice, by the user and in the workspace, it runs twice within this time."""

_CALL: Final = msgspec.json.Decoder(SpooledCall)
_ROW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Call(msgspec.Struct, frozen=True):
    """A hook call, with what its place in the conversation depends on.

    `same` is equal for calls that report the same about the same turn, `mark` for a call and the row of its step; it is
    empty if there is no such row.
    """

    id: str
    same: str
    event: str
    turn: str
    at_ms: int
    mark: str
    transcript: str | None
    kept: SpooledCall

    @property
    def prompt(self) -> str | None:
        """The prompt in the call; None for other calls."""
        return self.mark if self.event == wire.PROMPT else None

    @property
    def record(self) -> wire.CallRecord:
        """The record of the call."""
        return wire.CallRecord(self.id, self.event, self.at_ms, self.kept.payload, self.kept.cwd)


class Row(msgspec.Struct, frozen=True):
    """A row of a transcript. `speaks`: whether it holds text from the model. `mark`: see `Call`."""

    fields: dict[str, msgspec.Raw] | None
    kind: str = ""
    mark: str = ""
    speaks: bool = False

    @property
    def asked(self) -> str | None:
        """The prompt in the row; None for other rows."""
        return self.mark if self.kind == wire.USER_ROW else None


def spool_reader() -> Reader:
    """Returns the reader of what hooks received. Changed transcripts need no reader: a call names them, which
    changes the spool."""

    def spooled(path: Path, _stat: FileStat) -> Conversation:
        calls, unread = _calls_in(read_head(path, MAX_SPOOLED_BYTES))
        return Conversation(path.stem, calls, _transcript(calls, copy_beside(path)), unread=unread)

    return SnapshotReader(spooled)


def transcript_reader() -> Reader:
    """Returns the reader of transcripts that none of our hooks saw."""

    def transcribed(path: Path, stat: FileStat) -> Conversation:
        rows = _rows_in(read_head(path, MAX_TRANSCRIPT_BYTES))
        return Conversation(path.stem, (), rows, noted_ms=stat.mtime_ns // 1_000_000)

    return SnapshotReader(transcribed)


def _calls_in(data: bytes) -> tuple[list[Call], list[wire.PassedByRecord]]:
    """Returns the calls in a spool file, sorted by time and without duplicates, and what could not be read."""
    read = [_call(line) for line in data.split(b"\n", MOST_LINES)[:-1] if line.strip()]
    calls: list[Call] = []
    latest_ms: dict[str, int] = {}
    for call in sorted((call for call in read if call is not None), key=lambda call: call.at_ms):
        if call.same not in latest_ms or call.at_ms > latest_ms[call.same] + SAME_CALL_MS:
            calls.append(call)
            latest_ms[call.same] = call.at_ms
    return calls, [wire.PassedByRecord(what="call")] * read.count(None)


def _call(line: bytes) -> Call | None:
    kept = rawjson.read(_CALL, line)
    if isinstance(kept, str):
        return None
    given = rawjson.read(wire.PAYLOAD, bytes(kept.payload))
    if isinstance(given, str):
        return None
    turn = text_of(given.execution_id)
    event = kept.event.lower()
    at_ms = wire.time_of(given.timestamp) or kept.at_ms
    same = digest(f"{len(turn)} {turn}{event} ".encode("utf-8", "replace") + bytes(given.tool_info))
    return Call(
        id=f"{same}/{at_ms}",
        same=same,
        event=event,
        turn=turn,
        at_ms=at_ms,
        mark=_mark_of_step(event, fields_of(given.tool_info)),
        transcript=transcript_of(given) if event == wire.TRANSCRIPT else None,
        kept=kept,
    )


def _rows_in(data: bytes) -> list[Row]:
    """Returns the rows of a transcript. The last one may lack its line break; it is left out if it is torn."""
    *lines, last = data.split(b"\n", MOST_LINES)
    rows = [_row(line) for line in lines if line.strip()]
    if last.strip() and (row := _row(last)).fields is not None:
        rows.append(row)
    return rows


def _row(line: bytes) -> Row:
    fields = rawjson.read(_ROW, line)
    if isinstance(fields, str):
        return Row(None)
    kind = text_of(fields.get("type", rawjson.ABSENT))
    held = fields_of(fields.get(kind))
    speaks = kind == wire.PLANNER_ROW and bool(text_of(held.get("response")).strip())
    return Row(fields, kind, _mark_of_step(kind, held), speaks)


_ANSWERED: Final = "response"


def _mark_of_step(kind: str, held: Fields) -> str:
    """Returns the mark of a call of that event, or of a row of that type."""
    match kind:
        case wire.PROMPT | wire.USER_ROW:
            return f"prompt {first_text(held, 'user_prompt', 'user_response').strip()}"
        case wire.WRITE | wire.WRITE_ROW:
            return f"write {wire.path_of(held.get('path')) or wire.path_of(held.get('file_path'))}"
        case wire.COMMAND | wire.COMMAND_ROW:
            return f"command {text_of(held.get('command_line')).strip()}"
        case wire.RESPONSE:
            return _ANSWERED
    return ""


def _transcript(calls: Iterable[Call], copy: Path) -> list[Row]:
    """Returns the rows of the transcript named last, or of its copy; none if neither can be read."""
    named = next((call.transcript for call in reversed(list(calls)) if call.transcript is not None), None)
    for path in (Path(named), copy) if named is not None else ():
        with suppress(OSError):
            if not path.is_symlink():
                return _rows_in(read_head(path, MAX_TRANSCRIPT_BYTES))
    return []


def _split(calls: Sequence[Call], rows: Sequence[Row]) -> tuple[Sequence[Call], Sequence[Call], Sequence[Call]]:
    """Returns the calls from before the transcript begins, those of its turns, and those of later turns."""
    asked = [row.asked for row in rows if row.asked is not None]
    if not asked:
        return (), (), calls
    in_order = dict.fromkeys(call.turn for call in calls)
    turns = {turn: number for number, turn in enumerate(in_order)}
    named = max((turns[call.turn] for call in calls if call.transcript is not None), default=-1)
    prompts = {turns[call.turn]: call.prompt for call in reversed(calls) if call.event == wire.PROMPT}
    last = _turn_of(asked[-1], prompts, named)
    held = [call for call in calls if turns[call.turn] <= last]
    begins = (number for number, call in enumerate(held) if call.prompt == asked[0])
    first = next(begins, 0)
    return held[:first], held[first:], [call for call in calls if turns[call.turn] > last]


def _turn_of(asked: str, prompts: Mapping[int, str | None], named: int) -> int:
    """Returns the turn that a prompt began: the turn whose end named the transcript.

    If that has another prompt, the file was written again since, or not yet: then a later turn, or else an earlier one.
    """
    if prompts.get(named, asked) == asked:
        return named
    same = [turn for turn, prompt in sorted(prompts.items()) if prompt == asked]
    return next((turn for turn in same if turn > named), same[-1] if same else named)


class Conversation(OnlyConversation):
    """A conversation. `noted_ms`: when the transcript was written, for rows without a time and without a call."""

    def __init__(
        self,
        ident: str,
        calls: Sequence[Call],
        rows: Sequence[Row],
        *,
        noted_ms: int = 0,
        unread: Sequence[wire.PassedByRecord] = (),
    ) -> None:
        self.ident = ident
        self._calls = calls
        self._noted_ms = noted_ms
        before, held, after = _split(calls, rows)
        shown = _records_of(rows if held or not calls else (), held, noted_ms)
        self._records = [*unread, *(call.record for call in before), *shown, *(call.record for call in after)]
        self.pieces = [(str(number), _mark_of(record)) for number, record in enumerate(self._records)]

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        first_ms = self._calls[0].at_ms if self._calls else self._noted_ms
        cwd = next((call.kept.cwd for call in self._calls if call.kept.cwd is not None), None)
        return msgspec.json.encode(wire.BeginRecord(at_ms=first_ms, on=on, more=more, cwd=cwd))

    def piece(self, number: int) -> bytes | None:
        return msgspec.json.encode(self._records[number])


def _mark_of(record: wire.CallRecord | wire.RowRecord | wire.PassedByRecord) -> str:
    """Returns a mark that changes with a record. For a call it is the id, which holds a digest of its content."""
    match record:
        case wire.CallRecord():
            return f"{record.id} {record.cwd}"
        case wire.RowRecord():
            return f"{record.at_ms} {digest(bytes(record.row))}"
    return record.what


def _last_between(start: int, end: int, numbers: Sequence[int]) -> int:
    return max((number for number in numbers if start < number < end), default=-1)


def _records_of(
    rows: Sequence[Row], held: Sequence[Call], noted_ms: int
) -> Iterator[wire.RowRecord | wire.PassedByRecord]:
    """Yields the records for rows. A row gets the time of the call for the same step."""
    begins = [number for number, row in enumerate(rows) if row.asked is not None] + [len(rows)]
    spoken = [number for number, row in enumerate(rows) if row.speaks]
    answers = {_last_between(start, end, spoken) for start, end in pairwise(begins)}
    calls = deque(held)
    for number, row in enumerate(rows):
        if row.fields is None:
            yield wire.PassedByRecord(what="row")
            continue
        at_ms = _time_of(_ANSWERED if number in answers else row.mark, calls)
        raw = msgspec.Raw(msgspec.json.encode(row.fields))
        yield wire.RowRecord(number=number + 1, row=raw, noted_ms=noted_ms, at_ms=at_ms)


def _time_of(mark: str, calls: deque[Call]) -> int:
    """Returns the time of the next call with that mark, 0 if there is none, and drops the calls up to it."""
    place = next((place for place, call in enumerate(calls) if mark and call.mark == mark), None)
    if place is None:
        return 0
    for _ in range(place):
        calls.popleft()
    return calls.popleft().at_ms
