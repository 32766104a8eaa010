"""Reads a session: one JSON document, truncated and written again with each change.

No item has an id or a time. An item's key is made of the texts and calls up to it, so a history that was cut and
continued shares the keys of what it kept, and a result that comes later changes no key.
"""

from __future__ import annotations

import errno
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.adapter.event_builder import usable_folder
from carryover.agents.continue_dev.context import Begin, Piece
from carryover.readers.files import read_document
from carryover.readers.rewritten import OnlyConversation
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, inside, items_of, text_of
from carryover.records.uris import path_of

SETTLED_MS: Final = 5_000
"""A document that can't be read this long after its last write is damaged, not half written."""
SUMMARY: Final = "conversationSummary"


def session_in(path: Path, stat: FileStat) -> _Session:
    """Takes the snapshot of a session."""
    at_ms = stat.mtime_ns // 1_000_000
    document = fields_of(read_document(path))
    if not text_of(document.get("sessionId")) or "history" not in document:
        half_written = utc_now_ms() - at_ms < SETTLED_MS
        raise OSError(errno.EAGAIN if half_written else errno.EINVAL, "not a session", str(path))
    return _Session(document, at_ms)


class _Session(OnlyConversation):
    """A session. Its pieces are what is known of it as a whole, and the items of its history."""

    ident = "session"

    def __init__(self, document: Fields, at_ms: int) -> None:
        self._session = text_of(document.get("sessionId"))
        items = items_of(document.get("history"))
        summarised = [_is_summary(item) for item in items]
        keys = [*accumulate(map(_identity, items), _chained, initial=digest(self._session))][1:]
        self._summary = keys[0] if summarised[:1] == [True] else ""
        cwd = usable_folder(path_of(text_of(document.get("workspaceDirectory"))))
        head = Piece(
            key=f"{self._summary}info",
            at_ms=at_ms,
            cwd=cwd,
            title=text_of(document.get("title")),
            model=next(filter(None, map(_model, reversed(items))), None),
        )
        after = [False, *summarised]
        pieces = [
            Piece(key=key, at_ms=at_ms, cwd=cwd, item=item, after_summary=follows)
            for key, item, follows in zip(keys, items, after, strict=False)
        ]
        self._pieces = [head, *pieces] if pieces else []
        self.pieces = [(piece.key, _mark(piece)) for piece in self._pieces]

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        begin = Begin(session=self._session, on=on, more=more, summary=self._summary)
        return msgspec.json.encode({"begin": begin})

    def piece(self, number: int) -> bytes | None:
        return msgspec.json.encode({"piece": self._pieces[number]})


def _mark(piece: Piece) -> str:
    return digest(msgspec.json.encode(msgspec.structs.replace(piece, at_ms=0)))


def _is_summary(item: msgspec.Raw) -> bool:
    """Whether an item is a summary in place of what came before, and not only a note beside a message (extensions)."""
    summary = text_of(fields_of(item).get(SUMMARY))
    return bool(summary) and summary == rawjson.text_of(inside(item, "message", "content"))


def _identity(item: msgspec.Raw) -> str:
    """Returns what of an item never changes: its role, its text, and the ids of its calls."""
    message = fields_of(fields_of(item).get("message"))
    text = rawjson.text_of(message.get("content", rawjson.ABSENT)) or ""
    calls = [text_of(fields_of(call).get("id")) for call in items_of(message.get("toolCalls"))]
    return "\n".join((text_of(message.get("role")), *calls, text))


def _chained(before: str, identity: str) -> str:
    return digest(f"{before} {identity}")


def _model(item: msgspec.Raw) -> str:
    return text_of(inside(item, "message", "usage", "model"))
