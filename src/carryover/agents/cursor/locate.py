"""Finds Cursor's conversations and selects the reader for each kind of store.

There are three stores, each recognised by its location alone: FACTS.md. A conversation has the same id in every store
and may be in several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import Batch, Reader, Source
from carryover.agents.cursor.spec import SPEC
from carryover.readers.files import SQLITE, read_head
from carryover.readers.jsonl import JsonlReader
from carryover.records.fields import session_of_copy
from carryover.records.rawjson import objects_in

Kind = Literal["editor", "chat", "transcript"]
"""editor: the editor's global database. chat: a conversation of the terminal client. transcript: lines that either of
them writes in addition."""

COPY_GROUP: Final = "empty-window"
"""Replaces a project's slug. A conversation with a folder may have a copy of its transcript there."""
NOTED: Final = "carryoverNotedMs"
"""Field that the reader adds to each line of a transcript: the file's modification time, UTC milliseconds."""

_RANKS: Final[dict[Kind, int]] = {"editor": 3, "chat": 2, "transcript": 1}
"""Databases have results, times and ids; transcripts have no results and no times."""
_COPY_RANK: Final = -1
_DATABASES: Final = ("state.vscdb", "store.db")
_BESIDE: Final = ("-wal", "-journal")
_PATTERNS: Final = {
    "globalStorage": ("state.vscdb",),
    "chats": ("*/*/store.db",),
    "projects": tuple(f"*/agent-transcripts/{below}.jsonl" for below in ("*", "*/*", "*/subagents/*")),
}
_HEAD_BYTES: Final = 64 << 10
_TABLE: Final = "cursorDiskKV"
_QUERY: Final = b"<user_query>"
_ID: Final = re.compile(r"[\w-]{1,100}")
_OBJECT: Final = re.compile(rb"\s*\{(?=\s*\")")


class LinesReader(JsonlReader):
    """A `JsonlReader` that adds `carryoverNotedMs` to JSON objects, since their lines have no time."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads the records after `cursor`, adding the file's modification time in milliseconds to each."""
        noted = b'{"%s":%d,' % (NOTED.encode(), self.stat(path).mtime_ns // 1_000_000)
        batch = super().read(path, cursor)
        records = (
            msgspec.structs.replace(record, data=_OBJECT.sub(lambda _: noted, record.data, count=1))
            if _OBJECT.match(record.data)
            else record
            for record in batch.records
        )
        return msgspec.structs.replace(batch, records=tuple(records))


def kind_of(path: str | PurePath) -> Kind | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    match str(path).split("/")[-5:]:
        case [*_, "globalStorage", "state.vscdb"]:
            return "editor"
        case [*_, "chats", _, _, "store.db"]:
            return "chat"
        case [*above, name] if "agent-transcripts" in above[-3:] and name.endswith(".jsonl"):
            return "transcript"
    return None


def kind_to_read(path: Path) -> Kind | None:
    """Returns the kind to read `path` as: by location, or by content for a copy elsewhere."""
    return kind_of(path) or _kind_in(path, read_head(path, _HEAD_BYTES))


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a file anywhere on disk.

    It may be a transcript, whose name is its session, a database of the editor, or one of the terminal client with the
    folders around it.
    """
    if kind_of(path) == "chat":
        return source_of(path, path.parents[2]) if head.startswith(SQLITE) else None
    match _kind_in(path, head):
        case "editor":
            return Source(agent=SPEC.id, path=str(path), rank=_RANKS["editor"])
        case "transcript" if session := session_of_copy(path.stem, head):
            return Source(agent=SPEC.id, path=str(path), session=session, rank=_RANKS["transcript"])
    return None


def _kind_in(path: Path, head: bytes) -> Kind | None:
    """Returns the kind of a copy by its content. Prompts in a transcript are between tags that no other agent uses."""
    if head.startswith(SQLITE):
        from carryover.readers.sqlite import table_names

        return "editor" if _TABLE in table_names(path) else None
    first = next(objects_in(head, most=1), {})
    is_prompt = first.get("role") == "user" and isinstance(first.get("message"), dict)
    return "transcript" if path.suffix == ".jsonl" and is_prompt and _QUERY in head else None


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`, recognised by name alone. A change beside a database counts as a change of it."""
    for database in _DATABASES:
        if path.name in [database + suffix for suffix in _BESIDE]:
            path = path.with_name(database)
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    match root.name, parts:
        case "globalStorage", ("state.vscdb",):
            return Source(agent=SPEC.id, path=str(path), rank=_RANKS["editor"])
        case "chats", (group, chat, "store.db") if _ID.fullmatch(chat):
            return Source(agent=SPEC.id, path=str(path), session=chat, group=group, rank=_RANKS["chat"])
        case "projects", (slug, "agent-transcripts", *below, name) if name.endswith(".jsonl"):
            return _transcript(path, slug, (*below, name.removesuffix(".jsonl")))
    return None


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    found = (source_of(path, root) for pattern in _PATTERNS.get(root.name, ()) for path in root.glob(pattern))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def _transcript(path: Path, slug: str, below: tuple[str, ...]) -> Source | None:
    """Returns a transcript by its path: `<id>/<id>.jsonl`, `<id>/subagents/<child>.jsonl`, or the older `<id>.jsonl`.

    The slug is not reversible, so it groups files and never names a project.
    """
    is_sub_agent = len(below) == 3 and below[1] == "subagents"
    if not all(map(_ID.fullmatch, below)) or not (is_sub_agent or below[1:] in ((), below[:1])):
        return None
    session, subagent_id = below[0], below[2] if is_sub_agent else None
    rank = _COPY_RANK if slug == COPY_GROUP else _RANKS["transcript"]
    return Source(agent=SPEC.id, path=str(path), session=session, subagent_id=subagent_id, group=slug, rank=rank)


def readers() -> Mapping[Kind, Reader]:
    """Returns the reader for each kind of source."""
    from carryover.agents.cursor.chats import ChatReader
    from carryover.agents.cursor.editor import EditorReader
    from carryover.readers.stat_cache import StatCachedReader

    return {
        "editor": StatCachedReader(EditorReader()),
        "chat": StatCachedReader(ChatReader()),
        "transcript": LinesReader(),
    }
