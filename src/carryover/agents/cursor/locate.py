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

_IN_GROUP: Final = r"(?P<group>[^/]+)"
_SESSION: Final = r"(?P<session>[\w-]{1,100})"
_LAYOUTS: Final[tuple[tuple[Kind, str, tuple[str, ...], str, int], ...]] = (
    ("editor", "globalStorage", ("state.vscdb",), r"state\.vscdb", 3),
    ("chat", "chats", ("*/*/store.db",), rf"{_IN_GROUP}/{_SESSION}/store\.db", 2),
    (
        "transcript",
        "projects",
        tuple(f"*/agent-transcripts/{below}.jsonl" for below in ("*", "*/*", "*/subagents/*")),
        rf"{_IN_GROUP}/agent-transcripts/{_SESSION}(?:/(?P=session)|/subagents/(?P<child>[\w-]{{1,100}}))?\.jsonl",
        1,
    ),
)
"""Kind, name of the root, globs and pattern below it, and rank: databases have results, times and ids; transcripts have
no results and no times."""
_COPY_RANK: Final = -1
_BESIDE: Final = re.compile(r"(state\.vscdb|store\.db)(?:-wal|-journal)")
_HEAD_BYTES: Final = 64 << 10
_TABLE: Final = "cursorDiskKV"
_QUERY: Final = b"<user_query>"
_OBJECT: Final = re.compile(rb"\s*\{(?=\s*\")")


class LinesReader(JsonlReader):
    """A `JsonlReader` that adds `carryoverNotedMs` to JSON objects, since their lines have no time."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads the records after `cursor`, adding the file's modification time in milliseconds to each."""
        noted = b'{"%s":%d,' % (NOTED.encode(), self.stat(path).mtime_ns // 1_000_000)
        batch = super().read(path, cursor)
        records = tuple(
            msgspec.structs.replace(record, data=noted + record.data[start.end() :])
            if (start := _OBJECT.match(record.data))
            else record
            for record in batch.records
        )
        return msgspec.structs.replace(batch, records=records)


def kind_of(path: str | PurePath) -> Kind | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    found = (kind for kind, root, _, below, _ in _LAYOUTS if re.search(rf"/{root}/{below}\Z", str(path)))
    return next(found, None)


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
            return Source(agent=SPEC.id, path=str(path), rank=3)
        case "transcript" if session := session_of_copy(path.stem, head):
            return Source(agent=SPEC.id, path=str(path), session=session, rank=1)
    return None


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`, recognised by name alone. A change beside a database counts as a change of it.

    A transcript is `<id>/<id>.jsonl`, `<id>/subagents/<child>.jsonl`, or the older `<id>.jsonl`, below its project's
    slug. That is not reversible, so it groups files and never names a project.
    """
    if beside := _BESIDE.fullmatch(path.name):
        path = path.with_name(beside[1])
    if not path.is_relative_to(root):
        return None
    for _, name, _, below, rank in _LAYOUTS:
        if name == root.name and (found := re.fullmatch(below, str(path.relative_to(root)))):
            parts = found.groupdict()
            return Source(
                agent=SPEC.id,
                path=str(path),
                session=parts.get("session"),
                subagent_id=parts.get("child"),
                group=parts.get("group", ""),
                rank=_COPY_RANK if parts.get("group") == COPY_GROUP else rank,
            )
    return None


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    globs = (pattern for _, name, patterns, _, _ in _LAYOUTS if name == root.name for pattern in patterns)
    found = (source_of(path, root) for pattern in globs for path in root.glob(pattern))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


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


def _kind_in(path: Path, head: bytes) -> Kind | None:
    """Returns the kind of a copy by its content. Prompts in a transcript are between tags that no other agent uses."""
    if head.startswith(SQLITE):
        from carryover.readers.sqlite import table_names

        return "editor" if _TABLE in table_names(path) else None
    first = next(objects_in(head, most=1), {})
    is_prompt = first.get("role") == "user" and isinstance(first.get("message"), dict)
    return "transcript" if path.suffix == ".jsonl" and is_prompt and _QUERY in head else None
