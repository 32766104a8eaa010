"""opencode: its database, its older session files, and its exports. Format facts: FACTS.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from carryover.adapter.contract import Agent, Reader, Source
from carryover.agents.opencode.database import DatabaseReader, database_at, databases, tables_of_copy
from carryover.agents.opencode.files import SessionFileReader, exported_session, session_files
from carryover.agents.opencode.parse import parse_record
from carryover.agents.opencode.spec import SPEC
from carryover.text.pattern import later
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.rewritten import SnapshotReader
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.stored import Context

Kind = Literal["database", "files", "export"]
"""database: all sessions (1.2 and later). files: one session of an older version. export: one that a user exported."""

_RANKS: Final[dict[Kind, int]] = {"database": 2, "files": 1, "export": 0}
"""1.2 copies the files into the database and leaves the originals."""
_ID: Final = later(r"ses_[\w-]{1,100}")
_EXPORT: Final = later(rb'\s*\{\s*"info"\s*:\s*\{\s*"id"\s*:\s*"ses_')
_SESSION_FILE: Final = later(rb'\s*\{\s*"id"\s*:\s*"ses_')


def kind_of(path: Path) -> Kind | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    if path.suffix == ".db":
        return "database"
    if path.suffix != ".json":
        return None
    is_session = path.parts[-4:-2] == ("storage", "session") and _ID.fullmatch(path.stem)
    return "files" if is_session else "export"


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`, recognised by name alone. A change beside a database counts as a change of it.

    `root` may be a database, if an environment variable names one.
    """
    if (database := database_at(path, root)) is not None:
        return _source(database, "database")
    is_session = kind_of(path) == "files" and path.parents[3] == root
    return _source(path, "files") if is_session else None


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    paths = sorted((*databases(root), *root.glob("storage/session/*/ses_*.json")), key=str)
    found = (source_of(path, root) for path in paths)
    return [source for source in found if source is not None]


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a file anywhere on disk. A session of an older version needs the folders around it."""
    kind = kind_of(path)
    if kind == "database":
        is_source = bool(tables_of_copy(path, head))
    else:
        is_source = (_SESSION_FILE if kind == "files" else _EXPORT).match(head) is not None
    return _source(path, kind) if kind is not None and is_source else None


def _source(path: Path, kind: Kind) -> Source:
    group = path.parent.name if kind == "files" else ""
    return Source(agent=SPEC.id, path=str(path), group=group, rank=_RANKS[kind])


def _readers() -> Mapping[Kind, Reader]:
    return {
        "database": StatCachedReader(DatabaseReader()),
        "files": SessionFileReader(session_files),
        "export": SnapshotReader(exported_session),
    }


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(kind_of, _readers),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=parse_record,
    exported=exported,
)
