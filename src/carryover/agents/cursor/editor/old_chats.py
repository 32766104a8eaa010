"""Conversations of versions before 0.43, which each window kept whole in its own database: read once, and again when
they change. Nobody writes them any more, so all that matters is that they are read once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, Record, Stamp
from carryover.agents.cursor.editor.folders import Folders, of_workspace
from carryover.agents.cursor.editor.records import BubbleRecord, Conversation, PassedByRecord, StateRecord, encoded
from carryover.agents.cursor.editor.store import MAX_ID_CHARS, item
from carryover.agents.cursor.editor.wire import (
    ASSISTANT,
    USER,
    Bubble,
    ident_of,
    items_of,
    mark_of,
    name_of,
    number_of,
    struct_of,
    time_of,
)
from carryover.readers import sqlite
from carryover.records import rawjson
from carryover.records.bounds import SHORT_CHARS, bounded
from carryover.records.identity import digest

READ_BYTES: Final = 1 << 20
READ_RECORDS: Final = 500

_KEY: Final = "workbench.panel.aichat.view.aichat.chatdata"
_TYPES: Final = {"user": USER, "ai": ASSISTANT}


class Position(msgspec.Struct, array_like=True, frozen=True):
    """A digest of all that stood there, and how many of its records were given out."""

    mark: str = ""
    records: int = 0


class ChatData(msgspec.Struct, frozen=True):
    tabs: msgspec.Raw = rawjson.ABSENT


class Tab(msgspec.Struct, frozen=True, rename="camel"):
    tab_id: msgspec.Raw = rawjson.ABSENT
    chat_title: msgspec.Raw = rawjson.ABSENT
    last_send_time: msgspec.Raw = rawjson.ABSENT
    bubbles: msgspec.Raw = rawjson.ABSENT


class OldBubble(msgspec.Struct, frozen=True):
    type: msgspec.Raw = rawjson.ABSENT
    text: msgspec.Raw = rawjson.ABSENT


class OldChatsReader:
    """See `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """The next records, about 1 MiB of them. Raises as `readers.sqlite.reading` does."""
        position = _decoded(cursor)
        changed_ms = sqlite.stamp(path).mtime_ns // 1_000_000
        data = sqlite.look_into(path, _chat_data)
        mark = digest(data) if data else ""
        begun = position.records if position is not None and position.mark == mark else 0
        made = _records(data, of_workspace(path.parent), changed_ms) if data else []
        records: list[Record] = []
        used = 0
        while begun + len(records) < len(made) and used < READ_BYTES and len(records) < READ_RECORDS:
            number = begun + len(records)
            used += len(made[number])
            records.append(Record(number=number + 1, data=made[number]))
        after = Position(mark, begun + len(records))
        return Batch(
            records=tuple(records),
            cursor=msgspec.msgpack.encode(after),
            restarted=cursor is not None and position is None,
            more=after.records < len(made),
        )

    def stamp(self, path: Path) -> Stamp:
        """Size and time of the database and its WAL."""
        return sqlite.stamp(path)


def _decoded(cursor: bytes | None) -> Position | None:
    if cursor is None:
        return None
    try:
        return msgspec.msgpack.decode(cursor, type=Position)
    except msgspec.MsgspecError:
        return None


def _chat_data(db: sqlite.Connection) -> bytes | None:
    return item(db, _KEY) if "ItemTable" in sqlite.tables(db) else None


def _records(data: bytes, folders: Folders, changed_ms: int) -> list[bytes]:
    given = struct_of(data, ChatData)
    tabs = items_of(given.tabs) if given is not None else None
    if folders.remote and tabs:
        return [encoded(PassedByRecord(what="conversation", why="remote workspace"))]
    return [record for raw in tabs or () for record in _of_tab(raw, folders, changed_ms)]


def _of_tab(raw: msgspec.Raw, folders: Folders, changed_ms: int) -> list[bytes]:
    tab = rawjson.part_of(raw, Tab)
    ident = name_of(tab.tab_id) if tab is not None else ""
    bubbles = items_of(tab.bubbles) if tab is not None else None
    if tab is None or not 0 < len(ident) <= MAX_ID_CHARS or not bubbles:
        return []
    conversation = Conversation(id=ident, name=bounded(name_of(tab.chat_title), SHORT_CHARS), folders=folders.paths)
    # No bubble says when; the whole is as old as its last message, or else no older than the database.
    at_ms = time_of(tab.last_send_time) or changed_ms
    read = [rawjson.part_of(bubble, OldBubble) or OldBubble() for bubble in bubbles]
    kinds = [_TYPES.get(name_of(bubble.type)) or number_of(bubble.type) for bubble in read]
    made = []
    for number, (bubble, kind) in enumerate(zip(read, kinds, strict=True)):
        text = name_of(bubble.text)
        if not text.strip():
            continue
        following = kinds[number + 1] if number + 1 < len(kinds) else None
        record = BubbleRecord(
            conversation=conversation,
            bubble_id=ident_of(mark_of(f"{ident}/{number}/{digest(text)}")),
            at_ms=at_ms,
            follows="nothing" if following is None else "user" if following == USER else "assistant",
            status="completed",
            type=kind,
            bubble=Bubble(text=bubble.text),
        )
        made.append(encoded(record))
    if made:
        made.append(encoded(StateRecord(conversation=conversation, at_ms=at_ms, status="completed")))
    return made
