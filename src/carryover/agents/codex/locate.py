"""Finds and reads Codex's transcripts ("rollouts")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Batch, Record, Source
from carryover.agents.codex import wire
from carryover.agents.codex.spec import SPEC
from carryover.readers.files import entries_of
from carryover.readers.jsonl import JsonlReader
from carryover.records import rawjson
from carryover.records.rawjson import objects_in

_ARCHIVE_NAME: Final = "archived_sessions"
_ROLLOUT: Final = re.compile(
    r"rollout-(\d{4})-(\d{2})-(\d{2})T\d{2}-\d{2}-\d{2}-"
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl",
    re.IGNORECASE,
)
_THREAD: Final = re.compile(r"[0-9a-fA-F-]{36}")
_CUT_RECORD: Final = re.compile(rb'\{"timestamp":"[^"]{1,40}",(?:"ordinal":\d+,)?"type":"session_meta","payload":\{')
"""The beginning of the first record (0.32 to 0.169), which may be too long to be complete in the head of a file."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the transcript at `path`, recognised by name alone.

    `YYYY/MM/DD/rollout-<time>-<thread id>.jsonl`, without the folders in the archive (0.99 to 0.169). `.zst` is a
    compressed copy of a rollout that was read before it was compressed. A sub-agent's file is named after its own
    thread; only the records show which session it belongs to.
    """
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    found = _ROLLOUT.fullmatch(parts[-1]) if parts else None
    if found is None:
        return None
    if root.name == _ARCHIVE_NAME:
        is_there = len(parts) == 1
    else:
        is_there = len(parts) == 4 and all(part.isdigit() for part in parts[:3])
    if not is_there:
        return None
    return Source(agent=SPEC.id, path=str(path), session=found[4], group="/".join(found.groups()[:3]))


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the rollout in a file anywhere on disk, recognised by its first record.

    A file name as Codex writes it contains the thread's id; otherwise the id comes from the records.
    """
    first: dict[str, Any] = next(objects_in(head, most=1), {})
    meta = first.get("payload") if first.get("type") == "session_meta" else None
    is_meta = isinstance(meta, dict) and isinstance(meta.get("id"), str) and isinstance(meta.get("timestamp"), str)
    if not is_meta and not _CUT_RECORD.match(head):
        return None
    named = _ROLLOUT.fullmatch(path.name)
    group = "/".join(named.groups()[:3]) if named is not None else ""
    return Source(agent=SPEC.id, path=str(path), session=named[4] if named is not None else None, group=group)


def sources(root: Path) -> list[Source]:
    """Returns every transcript below `root`, sorted by path."""
    depth = 0 if root.name == _ARCHIVE_NAME else 3
    found = (source_of(path, root) for path in _files(root, depth))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def file_of_thread(thread: str, beside: Path) -> Path | None:
    """Returns the rollout of a thread, from the folders of the rollout `beside` or, for a copy, from its own folder."""
    if not _THREAD.fullmatch(thread):
        return None
    name, folder = f"rollout-*-{thread}.jsonl", beside.parent
    if all(part.isdigit() for part in folder.parts[-3:]):
        home = folder.parents[3]
    elif folder.name == _ARCHIVE_NAME:
        home = folder.parent
    else:
        return next(folder.glob(name), None)
    found = (*home.glob(f"*/*/*/*/{name}"), *home.glob(f"{_ARCHIVE_NAME}/{name}"))
    return next(iter(found), None)


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for entry in entries_of(folder):
        if depth == 0:
            yield Path(entry.path)
        elif entry.name.isdigit():
            yield from _files(Path(entry.path), depth - 1)


NOTED: Final = 0
"""The number of a record that the reader adds: the thread whose history follows has no file."""


_FIRST: Final = 1
_SECOND: Final = 2


class RolloutReader(JsonlReader):
    """Reads rollouts; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads the records after `cursor`. Raises as `JsonlReader.read` does."""
        batch = super().read(path, cursor)
        records: list[Record] = []
        for record in batch.records[:_SECOND]:
            parent = _parent(record, path)
            if parent is not None and file_of_thread(parent, path) is None:
                records.append(Record(number=NOTED, data=b"null"))
            records.append(record)
        return msgspec.structs.replace(batch, records=(*records, *batch.records[_SECOND:]))


def _parent(record: Record, path: Path) -> str | None:
    """Returns the thread whose history was copied into a file, by one of the file's first two records.

    The file was forked from it, or the record is not the file's own. A read may begin with either record.
    """
    if record.number not in (_FIRST, _SECOND):
        return None
    line = rawjson.read(wire.LINE, record.data)
    meta = rawjson.part_of(line.payload, wire.SessionMeta) if isinstance(line, wire.Line) else None
    if meta is None or not isinstance(line, wire.Line) or line.type != "session_meta":
        return None
    if meta.forked_from_id is not None:
        return meta.forked_from_id if wire.whole_number(meta.forked_from_ordinal_exclusive) is None else None
    return meta.id if record.number == _SECOND and meta.id is not None and meta.id not in path.name else None
