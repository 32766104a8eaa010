"""Finds opencode's sessions and selects the reader for each kind of source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from carryover.adapter.contract import Reader, Source
from carryover.agents.opencode.spec import SPEC
from carryover.readers.files import SQLITE

Kind = Literal["database", "files", "export"]
"""database: all sessions (1.2 and later). files: one session of an older version. export: one that a user exported."""

_RANKS: Final[dict[Kind, int]] = {"database": 2, "files": 1, "export": 0}
"""1.2 copies the files into the database and leaves the originals."""
_ID: Final = re.compile(r"ses_[\w-]{1,100}")
_BESIDE: Final = ("-wal", "-journal")
_TABLES: Final = frozenset(("session", "message", "part"))
_EXPORT: Final = re.compile(rb'\s*\{\s*"info"\s*:\s*\{\s*"id"\s*:\s*"ses_')
_SESSION_FILE: Final = re.compile(rb'\s*\{\s*"id"\s*:\s*"ses_')


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
    for suffix in _BESIDE:
        if path.name.endswith(f".db{suffix}"):
            path = path.with_name(path.name.removesuffix(suffix))
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    match parts:
        case () if path.suffix == ".db":
            return Source(agent=SPEC.id, path=str(path), rank=_RANKS["database"])
        case (name,) if name.endswith(".db") and not name.startswith("."):
            return Source(agent=SPEC.id, path=str(path), rank=_RANKS["database"])
        case ("storage", "session", project, name) if name.endswith(".json") and _ID.fullmatch(path.stem):
            return Source(agent=SPEC.id, path=str(path), group=project, rank=_RANKS["files"])
    return None


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    if root.suffix == ".db" and root.is_file():
        return [Source(agent=SPEC.id, path=str(root), rank=_RANKS["database"])]
    patterns = ("*.db", "storage/session/*/ses_*.json")
    found = (source_of(path, root) for pattern in patterns for path in root.glob(pattern))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a file anywhere on disk.

    It may be a document from `opencode export`, a database, or an older version's session file with the folders around
    it.
    """
    if path.suffix == ".db" and head.startswith(SQLITE) and _is_database(path):
        return Source(agent=SPEC.id, path=str(path), rank=_RANKS["database"])
    if path.suffix == ".json" and _EXPORT.match(head):
        return Source(agent=SPEC.id, path=str(path), rank=_RANKS["export"])
    if kind_of(path) == "files" and _SESSION_FILE.match(head):
        return Source(agent=SPEC.id, path=str(path), group=path.parent.name, rank=_RANKS["files"])
    return None


def _is_database(path: Path) -> bool:
    from carryover.readers.sqlite import table_names

    return table_names(path) >= _TABLES


def readers() -> Mapping[Kind, Reader]:
    """Returns the reader for each kind of source."""
    from carryover.agents.opencode.database import DatabaseReader
    from carryover.agents.opencode.files import SessionFileReader, export_reader
    from carryover.readers.stat_cache import StatCachedReader

    return {
        "database": StatCachedReader(DatabaseReader()),
        "files": SessionFileReader(),
        "export": export_reader(),
    }
