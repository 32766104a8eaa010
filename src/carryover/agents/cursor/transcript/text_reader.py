"""Reading a legacy `.txt` transcript: a whole document, whose last part may grow while it is written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, Record, Stamp
from carryover.agents.cursor.talk import progress
from carryover.agents.cursor.talk.progress import ID_CHARS, Known, Position
from carryover.agents.cursor.talk.record import TalkRecord
from carryover.agents.cursor.transcript.text_blocks import TextMessage, messages_in
from carryover.readers import document
from carryover.readers.jsonl import stamp_of_file
from carryover.records.identity import digest

READ_BYTES: Final = 1 << 20
READ_MESSAGES: Final = 500
_TOO_LONG: Final = "too long"


class TextReader:
    """Reads transcripts of the older form (see `carryover.adapter.contract.Reader`)."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """What is new, after what tells of those that are no longer what they were given out as.

        Raises FileNotFoundError when the file is gone, OSError when it cannot be read.
        """
        position = progress.decoded(cursor)
        begin = position or Position()
        content, seen = document.content(path)
        if content is None:
            found: tuple[TalkRecord, ...] = ()
            end, more = msgspec.structs.replace(begin, refused=_TOO_LONG, seen=seen), False
        else:
            messages = messages_in(content.decode("utf-8", "replace"))
            end, found, more = _advance(begin, messages, seen)
        records = tuple(
            Record(number=begin.number + place, data=msgspec.json.encode(record))
            for place, record in enumerate(found, 1)
        )
        return Batch(
            records=records,
            cursor=msgspec.msgpack.encode(msgspec.structs.replace(end, number=begin.number + len(records))),
            restarted=position is None,
            more=more,
            oversized=int(content is None and begin.refused != _TOO_LONG),
        )

    def stamp(self, path: Path) -> Stamp:
        return stamp_of_file(path)


def _advance(
    position: Position, messages: list[TextMessage], seen: Stamp
) -> tuple[Position, tuple[TalkRecord, ...], bool]:
    noted_ms = seen.mtime_ns // 1_000_000
    former, undone = progress.given_in(position), progress.undone_in(position)
    shorts = [digest(message.text)[:ID_CHARS] for message in messages]
    common = progress.in_common(former, shorts)
    records: list[TalkRecord] = []
    if common < len(former):
        gone = progress.occurrences(former, undone)[common:]
        records.append(TalkRecord(kind="undone", noted_ms=noted_ms, gone=tuple(gone)))
        undone += [one.id for one in gone]
    before = Counter(undone) + Counter(shorts[:common])
    given = former[:common]
    size = 0
    for message, short in zip(messages[common:], shorts[common:], strict=True):
        if size >= READ_BYTES or len(records) >= READ_MESSAGES:
            break
        data = msgspec.Raw(msgspec.json.encode(message.content))
        size += len(message.text)
        records.append(TalkRecord(kind="message", id=short, occurrence=before[short], noted_ms=noted_ms, data=data))
        given.append(Known(short, message.blocks))
        before[short] += 1
    end = progress.after(position, root=None, given=given, undone=undone)
    return msgspec.structs.replace(end, seen=seen), tuple(records), len(given) < len(messages)
