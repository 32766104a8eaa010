"""Finds Codex's transcripts ("rollouts")."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from carryover.adapter.contract import Source
from carryover.agents.codex.spec import SPEC
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records.rawjson import objects_in

_NAME: Final = (
    r"rollout-(?P<group>\d{4}-\d{2}-\d{2})T\d{2}-\d{2}-\d{2}-"
    r"(?P<session>(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))\.jsonl"
)
_LAYOUTS: Final = (
    Layout(root="sessions", globs=("[0-9]*/[0-9]*/[0-9]*/rollout-*.jsonl",), pattern=rf"\d+/\d+/\d+/{_NAME}"),
    Layout(root="archived_sessions", globs=("rollout-*.jsonl",), pattern=_NAME),
)
_CUT_RECORD: Final = re.compile(rb'\{"timestamp":"[^"]{1,40}",(?:"ordinal":\d+,)?"type":"session_meta","payload":\{')
"""The beginning of the first record (0.32 to 0.169), which may be too long to be complete in the head of a file."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the transcript at `path`, recognised by name alone.

    `YYYY/MM/DD/rollout-<time>-<thread id>.jsonl`, without the folders in the archive (0.99 to 0.169). `.zst` is a
    compressed copy of a rollout that was read before it was compressed. A sub-agent's file is named after its own
    thread; only the records show which session it belongs to.
    """
    return source_at(SPEC.id, _LAYOUTS, path, root)


def sources(root: Path) -> list[Source]:
    """Returns every transcript below `root`, sorted by path."""
    return sources_below(SPEC.id, _LAYOUTS, root)


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the rollout in a file anywhere on disk, recognised by its first record.

    A file name as Codex writes it contains the thread's id; otherwise the id comes from the records.
    """
    first: dict[str, Any] = next(objects_in(head, most=1), {})
    meta = first.get("payload") if first.get("type") == "session_meta" else None
    is_meta = isinstance(meta, dict) and isinstance(meta.get("id"), str) and isinstance(meta.get("timestamp"), str)
    if not is_meta and not _CUT_RECORD.match(head):
        return None
    named = re.fullmatch(_NAME, path.name)
    if named is None:
        return Source(agent=SPEC.id, path=str(path))
    return Source(agent=SPEC.id, path=str(path), session=named["session"], group=named["group"])
