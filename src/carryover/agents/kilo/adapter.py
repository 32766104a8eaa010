"""Kilo (Kilo Code CLI): a fork of opencode, with whose family it shares the database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.agents.kilo import SPEC
from carryover.agents.opencode.adapter import parse_record
from carryover.agents.opencode.database import database_at, database_reader, databases, tables_of_copy
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.stored import StoredContext

_OWN_TABLE: Final = "kilo_board"
"""What its relatives' databases do not have (7.7.9); nor had its own before (7.0.46)."""
_OWN_NAME: Final = "kilo"
"""How the name of its databases begins."""


def _source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` if its name is that of a database; reads nothing."""
    database = database_at(path, root)
    return _source(database) if database is not None else None


def _sources(root: Path) -> list[Source]:
    """Returns every database below `root`, sorted by path."""
    return [_source(path) for path in databases(root)]


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the database in a file anywhere on disk."""
    tables = tables_of_copy(path, head)
    is_own = _OWN_TABLE in tables or (bool(tables) and path.name.startswith(_OWN_NAME))
    return _source(path) if is_own else None


def _source(path: Path) -> Source:
    return Source(agent=SPEC.id, path=str(path))


AGENT: Final = Agent(
    spec=SPEC,
    reader=StatCachedReader(database_reader()),
    context_type=StoredContext,
    source_of=_source_of,
    sources=_sources,
    parse=parse_record,
    exported=_exported,
)
