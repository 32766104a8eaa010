"""opencode: its database, its older session files, and its exports. Format facts: FACTS.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from carryover.adapter import spec
from carryover.adapter.contract import Agent, Reader, Source
from carryover.agents.opencode.files import SessionFileReader, exported_session, session_files
from carryover.families.parts.database import DatabaseReader
from carryover.families.parts.databases import database_at, databases, tables_of_copy
from carryover.families.parts.parse import parse_record
from carryover.families.stored import Context
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.rewritten import SnapshotReader
from carryover.readers.stat_cache import StatCachedReader
from carryover.text.pattern import later

_SETTINGS: Final = tuple(
    spec.Place(path=f"~/.config/opencode/{name}", env="XDG_CONFIG_HOME", below=f"opencode/{name}")
    for name in ("config.json", "opencode.json", "opencode.jsonc")
)
"""Settings files in the order in which they are read: a later list replaces an earlier one (1.18.33)."""
_DATA: Final = spec.Place(path="~/.local/share/opencode", env="XDG_DATA_HOME", below="opencode")

SPEC: Final = spec.AgentSpec(
    id="opencode",
    name="opencode",
    binaries=("opencode",),
    binary_folders=(spec.Place(path="~/.opencode/bin"),),
    commands=(
        spec.CommandFiles(patterns=(".opencode/command/*.md", ".opencode/commands/*.md")),
        spec.CommandFiles(
            folder=spec.Place(path="~/.config/opencode", env="XDG_CONFIG_HOME", below="opencode"),
            patterns=("command/*.md", "commands/*.md"),
        ),
    ),
    folders=(  # on macOS too
        _DATA,
        spec.Place(path="~/.config/opencode", env="XDG_CONFIG_HOME", below="opencode"),
        spec.Place(path="~/.config/opencode", env="OPENCODE_CONFIG_DIR"),
    ),
    version=spec.VersionProbe(),
    transcripts=(_DATA, spec.Place(path=_DATA.path, env="OPENCODE_DB")),  # the variable names a database
    # Read again for each request; a missing file is ignored (1.2.27, 1.18.33).
    handoff_entry=spec.HandoffEntry(
        files=_SETTINGS, new=_SETTINGS[1], key="instructions", entry=".carryover/handoff-opencode.md"
    ),
    # A server of a later file replaces that of an earlier one by its name (1.18.33).
    mcp=(
        spec.McpServers(
            files=_SETTINGS,
            key="mcp",
            also={"type": "local", "enabled": True},
            in_one_list=True,
            env="environment",
        ),
    ),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    chat_export=spec.ChatExport(
        head=r"# [^\n]{0,300}\n\n\*\*Session ID:\*\* (?P<session>ses_[\w-]{1,100})\n\*\*Created:\*\* [^\n]{1,60}\n",
        user="## User",
        agent=r"## Assistant(?: \([^\n]{1,200}\))?",
        ruled=True,
        titled=True,
        tool=r"^\*\*Tool: ([\w.:-]{1,100})\*\*$",
    ),
    start=spec.Starter(binary="opencode", args=("--prompt", "{prompt}"), resume=("--session", "{session}")),
)

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
