"""Reads the editor's global database, in which rows change while an answer is streamed.

Asked by key or by a range of keys, never by a pattern and never for all values. Order and life of a conversation's
bubbles come from its list of headers alone: rows of turns that were edited or taken back stay in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.agents.cursor.folders import Workspaces, listed_in
from carryover.agents.cursor.wire import (
    COMPACTION,
    THINKING,
    TOOL,
    UNFINISHED,
    USER,
    BeginRecord,
    Bubble,
    BubbleRecord,
    Conversation,
    PassedByRecord,
    StateRecord,
    ToolData,
    encoded,
)
from carryover.readers import sqlite
from carryover.readers.rewritten import NotYet, Piece, read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, items_of, number_of, read_as, text_of, time_of

MAX_COMPOSER_BYTES: Final = 64 << 20
MAX_BUBBLE_BYTES: Final = 8 << 20
MAX_BUBBLES: Final = 50_000
MAX_ID_CHARS: Final = 100
SETTLED_MS: Final = 60_000
"""A conversation that was not written to for that long is taken as it is."""

_DAY_MS: Final = 86_400_000
_COMPOSER: Final = "composerData:"
_VALUE: Final = "SELECT value FROM cursorDiskKV WHERE key = ?"
_KEYS: Final = "SELECT rowid, key FROM cursorDiskKV WHERE key >= ? AND key < ?"
_HEAD: Final = "SELECT value FROM composerHeaders WHERE composerId = ?"


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """A bubble's place in its conversation. Read ten times as fast as one field by field, if it is as it should
    be: a conversation has thousands."""

    bubble_id: str
    type: int | None = None
    created_at: msgspec.Raw = rawjson.ABSENT


class EditorReader:
    """See `carryover.adapter.contract.Reader`."""

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms
        self._workspaces = Workspaces()

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """What changed, the newest first. Raises as `readers.sqlite.read_transaction` does."""
        now_ms = self._now_ms()
        changed_ms = min(sqlite.stat(path).mtime_ns // 1_000_000, now_ms)
        storage = path.parent.parent / "workspaceStorage"
        return sqlite.read_database(
            path, lambda db: read_on(Look(db, storage, self._workspaces, now_ms, changed_ms), cursor, now_ms=now_ms)
        )

    def stat(self, path: Path) -> FileStat:
        """Size and time of the database and its WAL."""
        return sqlite.stat(path)


class Look:
    """See `carryover.readers.rewritten.Snapshot`. `changed_ms`: when the database was last written to."""

    def __init__(
        self, db: sqlite.Connection, storage: Path, workspaces: Workspaces, now_ms: int, changed_ms: int
    ) -> None:
        self.now_ms, self.changed_ms = now_ms, changed_ms
        self._db, self._storage, self._workspaces = db, storage, workspaces
        self._tables = sqlite.tables(db)
        columns = db.execute("PRAGMA table_info(composerHeaders)") if "composerHeaders" in self._tables else ()
        self._columns = {sqlite.text_of(row[1]) for row in columns}
        self._has_heads = {"composerId", "lastUpdatedAt", "value"} <= self._columns
        self._entries = {} if self._has_heads else listed_in(db, "composer.composerHeaders")

    def conversations(self) -> list[tuple[str, str]]:
        """A row that is written again gets a new number; should it ever not, the list shows when it changed.

        While a conversation continues, the rows of its bubbles may be written after its own.
        """
        if "cursorDiskKV" not in self._tables:
            return []
        updated = self._updated()
        rows = self._rows_from(_COMPOSER)
        newest = sorted(rows, key=lambda ident: (updated.get(ident, 0), rows[ident]), reverse=True)
        marks = []
        for ident in (ident for ident in newest if 0 < len(ident) <= MAX_ID_CHARS):
            updated_ms = updated.get(ident, 0)
            is_live = self.now_ms - updated_ms <= SETTLED_MS
            latest = max(self._rows_from(f"bubbleId:{ident}:").values(), default=0) if is_live else 0
            marks.append((ident, f"{rows[ident]} {updated_ms} {latest}"))
        return marks

    def conversation(self, ident: str, notes: dict[str, str]) -> _Conversation | None:
        """`notes` are the sub-agents that conversations were seen to list, and those conversations."""
        data = self.value(f"{_COMPOSER}{ident}", MAX_COMPOSER_BYTES)
        composer = fields_of(data)
        headers = composer.get("fullConversationHeadersOnly", rawjson.ABSENT)
        if bytes(headers)[:1] != b"[":
            return None  # without a list of bubbles nothing can be said of what is no longer in it
        head = self._head(ident)
        for child in items_of(composer.get("subagentComposerIds")):
            notes[text_of(child)] = ident
        parent = _parent_of(ident, composer, head, notes)
        identifiers = (composer.get("workspaceIdentifier"), head.get("workspaceIdentifier"))
        folders = self._workspaces.folders_of(self._storage, ident, identifiers)
        return _Conversation(
            look=self,
            conversation=Conversation(
                id=ident,
                name=bounded(text_of(composer.get("name")) or text_of(head.get("name")), SHORT_CHARS),
                model=bounded(text_of(fields_of(composer.get("modelConfig")).get("modelName")), SHORT_CHARS),
                parent=parent,
                folders=folders.paths,
            ),
            composer=composer,
            updated_ms=max(time_of(composer.get("lastUpdatedAt")), time_of(head.get("lastUpdatedAt"))),
            headers=[] if folders.remote else _headers_in(headers),
            is_remote=folders.remote,
            rows=self._rows_from(f"bubbleId:{ident}:"),
        )

    def value(self, key: str, limit: int = MAX_BUBBLE_BYTES) -> bytes | None:
        """A row's value; raises TooLarge."""
        return sqlite.value_at(self._db, _VALUE, key, limit=limit)

    def _rows_from(self, prefix: str) -> dict[str, int]:
        """The numbers of the rows whose keys begin so, by what follows in their keys; from the index alone."""
        rows = self._db.execute(_KEYS, (prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)))
        return {(sqlite.text_of(key) or "").removeprefix(prefix): rowid for rowid, key in rows}

    def _updated(self) -> dict[str, int]:
        """When the listed conversations changed, without times in the future."""
        if self._has_heads:
            rows = self._db.execute("SELECT composerId, lastUpdatedAt FROM composerHeaders")
            updated = {sqlite.text_of(ident) or "": at for ident, at in rows if isinstance(at, int)}
        elif self._entries:
            updated = {ident: time_of(entry.get("lastUpdatedAt")) for ident, entry in self._entries.items()}
        else:
            updated = self._workspaces.updated(self._storage)
        return {ident: at for ident, at in updated.items() if at <= self.now_ms + _DAY_MS}

    def _head(self, ident: str) -> Fields:
        """What the list of conversations says of one."""
        if not self._has_heads:
            return self._entries.get(ident, {})
        try:
            head = fields_of(sqlite.value_at(self._db, _HEAD, ident, limit=MAX_BUBBLE_BYTES))
        except sqlite.TooLarge:
            return {}
        if "isSubagent" in self._columns and "subagentInfo" not in head:
            query = "SELECT 1 FROM composerHeaders WHERE composerId = ? AND isSubagent = 1"
            head |= {"subagentInfo": msgspec.Raw(b"{}")} if self._db.execute(query, (ident,)).fetchone() else {}
        return head


@dataclass(slots=True)
class _Conversation:
    """See `carryover.readers.rewritten.Conversation`. `rows`: the numbers of its bubbles' rows."""

    look: Look
    conversation: Conversation
    composer: Fields
    updated_ms: int
    headers: Sequence[Header]
    is_remote: bool
    rows: Mapping[str, int]
    rests_ms: int | None = field(init=False)
    _status: str = field(init=False)
    _generating: frozenset[str] = field(init=False)
    _last_prompt: int = field(init=False)
    _loaded: dict[int, Bubble | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        now_ms, changed_ms = self.look.now_ms, self.look.changed_ms
        updated_ms = self.updated_ms if 0 < self.updated_ms <= now_ms else changed_ms
        # Should an editor note the time of a change only when a turn begins, the database still shows that it works.
        rests_ms = SETTLED_MS + min(max(updated_ms, changed_ms), updated_ms + 10 * SETTLED_MS)
        self.updated_ms = updated_ms
        self.rests_ms = rests_ms if rests_ms >= now_ms and not self.is_remote else None
        self._generating = frozenset(map(text_of, items_of(self.composer.get("generatingBubbleIds"))))
        self._status = text_of(self.composer.get("status"))
        prompts = (number for number, header in enumerate(self.headers) if header.type == USER)
        self._last_prompt = max(prompts, default=-1)

    @property
    def pieces(self) -> list[Piece]:
        return [(header.bubble_id, self.rows.get(header.bubble_id, 0)) for header in self.headers]

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        if self.is_remote:
            return encoded(PassedByRecord(what="conversation", why="remote workspace"))
        at_ms = time_of(self.composer.get("createdAt")) or self.updated_ms
        return encoded(BeginRecord(conversation=self.conversation, at_ms=at_ms, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        header = self.headers[number]
        bubble = self._bubble(number)
        # A sub-agent without a known parent has its own id there; another conversation may still name it.
        is_open = self._is_open(number, bubble) or self.conversation.parent == self.conversation.id
        if is_open and self.rests_ms is not None:
            raise NotYet
        if bubble is None:
            is_there = header.bubble_id in self.rows and self.look.value(self._key(number)) is not None
            return encoded(PassedByRecord(what="bubble", why="not JSON")) if is_there else None
        if _is_silent(bubble):
            return None
        ident, follows = header.bubble_id, self._follows(number)
        status = self._end if number == len(self.headers) - 1 else ""
        # A text ended its turn where the user's next words follow, or nothing does and the conversation is at rest.
        is_last = follows == "nothing"
        return encoded(
            BubbleRecord(
                conversation=self.conversation,
                at_ms=time_of(header.created_at) or time_of(bubble.created_at),
                bubble_id=ident if len(ident) <= MAX_ID_CHARS else digest(ident),
                final=(True if status == "completed" else None) if is_last else follows == "user",
                aborted=is_last and (status == "aborted" or self._is_open(number, bubble)),
                type=self._type(number, bubble),
                bubble=bubble,
            )
        )

    def end(self, emitted: int) -> bytes | None:
        if not emitted:
            return None
        status = self._end if emitted == len(self.headers) else ""
        return encoded(
            StateRecord(
                conversation=self.conversation,
                status=status,
                bubble_id=self.headers[-1].bubble_id[:MAX_ID_CHARS] if status in ("aborted", "error") else "",
                todos=self.composer.get("todos", rawjson.ABSENT),
                summary=self.composer.get("latestConversationSummary", rawjson.ABSENT),
            )
        )

    @property
    def _is_generating(self) -> bool:
        return self._status == "generating" or bool(self._generating)

    @property
    def _end(self) -> str:
        """How the conversation's last turn ended, empty while it runs."""
        return "" if self._is_generating else self._status

    def _key(self, number: int) -> str:
        return f"bubbleId:{self.conversation.id}:{self.headers[number].bubble_id}"

    def _bubble(self, number: int) -> Bubble | None:
        """The bubble in a place, None where it has no row (yet) or is none. Raises TooLarge."""
        if number not in self._loaded:
            if len(self._loaded) > 64:
                self._loaded.clear()
            data = self.look.value(self._key(number))
            self._loaded[number] = read_as(data, Bubble) if data is not None else None
        return self._loaded[number]

    def _type(self, number: int, bubble: Bubble | None) -> int | None:
        own = number_of(bubble.type) if bubble is not None else None
        return own if own is not None else self.headers[number].type

    def _is_open(self, number: int, bubble: Bubble | None) -> bool:
        """Something may still be written to the bubble, as far as the conversation says. A prompt is never streamed,
        and what came before one is over."""
        if number < self._last_prompt:
            return False
        if bubble is None or self._type(number, bubble) == USER:
            return bubble is None
        if self.headers[number].bubble_id in self._generating or _has_not_ended(bubble):
            return True
        is_last = number + 1 == len(self.headers) or (not _is_silent(bubble) and self._follows(number) == "nothing")
        return self._is_generating and is_last and not _is_tool(bubble)

    def _follows(self, number: int) -> Literal["user", "assistant", "nothing"]:
        """What comes after a bubble, thinking and other bubbles without a word left out."""
        for other in range(number + 1, len(self.headers)):
            if self.headers[other].type == USER:
                return "user"
            try:
                bubble = self._bubble(other)
            except sqlite.TooLarge:
                continue
            if bubble is not None and not _is_silent(bubble):
                return "user" if self._type(other, bubble) == USER else "assistant"
        return "nothing"


def _headers_in(headers: msgspec.Raw) -> list[Header]:
    plain = rawjson.part_of(headers, list[Header])
    if plain is None:  # one that is none must not hide the others
        parts = map(fields_of, items_of(headers))
        plain = [
            Header(text_of(part.get("bubbleId")), number_of(part.get("type")), part.get("createdAt", rawjson.ABSENT))
            for part in parts
        ]
    return [header for header in plain[:MAX_BUBBLES] if header.bubble_id]


def _parent_of(ident: str, composer: Fields, head: Fields, notes: Mapping[str, str]) -> str | None:
    """The conversation that a sub-agent's belongs to, its own id while that is unknown; None for the user's own."""
    infos = [
        info for info in (composer.get("subagentInfo"), head.get("subagentInfo")) if bytes(info or b"")[:1] == b"{"
    ]
    info = fields_of(infos[0]) if infos else {}
    names = (text_of(info.get(name)) for name in ("parentComposerId", "parentConversationId", "parentId"))
    parent = next(filter(None, names), "") or notes.get(ident, "")
    for _ in range(5):  # of a sub-agent's sub-agent, the one that the user talks to
        parent = notes.get(parent, parent)
    return parent or (ident if infos else None)


def _is_tool(bubble: Bubble) -> bool:
    return number_of(bubble.capability_type) == TOOL or rawjson.part_of(bubble.tool_former_data, ToolData) is not None


def _has_not_ended(bubble: Bubble) -> bool:
    tool = rawjson.part_of(bubble.tool_former_data, ToolData)
    return tool is not None and text_of(tool.status) in UNFINISHED


def _is_silent(bubble: Bubble) -> bool:
    """It says nothing to the user: thinking, marks, or no text (yet)."""
    if number_of(bubble.capability_type) in (THINKING, COMPACTION):
        return True
    said = text_of(bubble.text).strip() or bytes(bubble.error_details) != b"null"
    return number_of(bubble.type) != USER and not said and not _is_tool(bubble)
