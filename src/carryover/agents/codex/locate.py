"""Finds Codex's transcripts ("rollouts")."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from carryover.adapter.contract import Source
from carryover.agents.codex.spec import SPEC
from carryover.records.rawjson import objects_in

_ARCHIVE_NAME: Final = "archived_sessions"
_ROLLOUT: Final = re.compile(
    r"rollout-(\d{4})-(\d{2})-(\d{2})T\d{2}-\d{2}-\d{2}-"
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl",
    re.IGNORECASE,
)
_CUT_RECORD: Final = re.compile(rb'\{"timestamp":"[^"]{1,40}",(?:"ordinal":\d+,)?"type":"session_meta","payload":\{')
"""The beginning of the first record (0.32 to 0.169), which may be too long to be complete in the head of a file."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the transcript at `path`, recognised by name alone.

    `YYYY/MM/DD/rollout-<time>-<thread id>.jsonl`, without the folders in the archive (0.99 to 0.169). `.zst` is a
    compressed copy of a rollout that was read before it was compressed. A sub-agent's file is named after its own
    thread; only the records show which session it belongs to.
    """
    try:
        *folders, name = path.relative_to(root).parts or ("",)
    except ValueError:
        return None
    is_there = not folders if root.name == _ARCHIVE_NAME else len(folders) == 3 and all(map(str.isdigit, folders))
    found = _ROLLOUT.fullmatch(name) if is_there else None
    return _source(path, found) if found is not None else None


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the rollout in a file anywhere on disk, recognised by its first record.

    A file name as Codex writes it contains the thread's id; otherwise the id comes from the records.
    """
    first: dict[str, Any] = next(objects_in(head, most=1), {})
    meta = first.get("payload") if first.get("type") == "session_meta" else None
    is_meta = isinstance(meta, dict) and isinstance(meta.get("id"), str) and isinstance(meta.get("timestamp"), str)
    return _source(path, _ROLLOUT.fullmatch(path.name)) if is_meta or _CUT_RECORD.match(head) else None


def sources(root: Path) -> list[Source]:
    """Returns every transcript below `root`, sorted by path."""
    below = "" if root.name == _ARCHIVE_NAME else "[0-9]*/[0-9]*/[0-9]*/"
    found = (source_of(path, root) for path in root.glob(f"{below}rollout-*.jsonl"))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def _source(path: Path, name: re.Match[str] | None) -> Source:
    *day, thread = name.groups() if name is not None else (None,)
    return Source(agent=SPEC.id, path=str(path), session=thread, group="/".join(day))
