"""Defines AGENT: how Hermes Agent's sessions are found, read and parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Reader, Source
from carryover.adapter.lazily import lazily
from carryover.agents.hermes.spec import SPEC
from carryover.families.stored import Context
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.files import SQLITE

_NAME: Final = "state.db"
_BELOW: Final = re.compile(
    r"(?P<folder>(?:profiles/[^/]{1,100}/)?)(?:state\.db(?:-wal|-journal)?|sessions/request_dump_[^/]+\.json)"
)
"""A profile has a folder of its own. A failed request beside a database counts as a change of it."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` below `root`, recognised by name alone; None if it is something else."""
    found = _BELOW.fullmatch(str(path.relative_to(root))) if path.is_relative_to(root) else None
    return _source(root / found["folder"] / _NAME) if found is not None else None


def sources(root: Path) -> list[Source]:
    """Returns the databases of all profiles, sorted by path."""
    found = [path for path in (root / _NAME, *root.glob(f"profiles/*/{_NAME}")) if path.is_file()]
    return [_source(path) for path in sorted(found, key=str)]


def _source(path: Path) -> Source:
    return Source(agent=SPEC.id, path=str(path))


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a copy of a database anywhere on disk, recognised by its tables."""
    if path.suffix != ".db" or not head.startswith(SQLITE):
        return None
    from carryover.agents.hermes.database import is_own

    return _source(path) if is_own(path) else None


def _kind_of(path: Path) -> str | None:
    return "database" if path.suffix == ".db" else None


def _readers() -> Mapping[str, Reader]:
    from carryover.agents.hermes.database import DatabaseReader
    from carryover.readers.stat_cache import StatCachedReader

    return {"database": StatCachedReader(DatabaseReader())}


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(_kind_of, _readers),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=lazily("carryover.agents.hermes.parse", "parse_record"),
    exported=_exported,
)
