"""Defines AGENT: how Goose's sessions are found, read and parsed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Reader, Source
from carryover.adapter.lazily import lazily
from carryover.agents.goose.spec import SPEC
from carryover.families.stored import Context
from carryover.readers.by_kind import ReaderByKind

_NAME: Final = "sessions.db"


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`: the database, also for a change of its log; None if it is something else."""
    names = (_NAME, f"{_NAME}-wal", f"{_NAME}-journal")
    return _source(root / _NAME) if path.parent == root and path.name in names else None


def sources(root: Path) -> list[Source]:
    """Returns the database below `root`, if there is one."""
    return [_source(root / _NAME)] if (root / _NAME).is_file() else []


def _source(path: Path) -> Source:
    return Source(agent=SPEC.id, path=str(path))


def _readers() -> Mapping[str, Reader]:
    from carryover.agents.goose.database import DatabaseReader
    from carryover.readers.stat_cache import StatCachedReader

    return {"": StatCachedReader(DatabaseReader())}


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(lambda _: "", _readers),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=lazily("carryover.agents.goose.parse", "parse_record"),
)
