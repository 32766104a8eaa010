"""Kilo (Kilo Code CLI): a fork of opencode, with whose family it shares the database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter import spec
from carryover.adapter.contract import Agent, Source
from carryover.families.parts import databases
from carryover.families.parts.parse import parse_record
from carryover.families.stored import Context

_SETTINGS: Final = tuple(
    spec.Place(path=f"~/.config/kilo/{name}", env="XDG_CONFIG_HOME", below=f"kilo/{name}")
    for name in ("config.json", "kilo.json", "kilo.jsonc", "opencode.json", "opencode.jsonc")
)
"""Settings files in the order in which they are read: a later list replaces an earlier one (7.7.9)."""
_DATA: Final = spec.Place(path="~/.local/share/kilo", env="XDG_DATA_HOME", below="kilo")

SPEC: Final = spec.AgentSpec(
    id="kilo",
    name="Kilo",
    aliases=("kilocode",),
    binaries=("kilo", "kilocode"),
    folders=(
        _DATA,
        spec.Place(path="~/.config/kilo", env="XDG_CONFIG_HOME", below="kilo"),
        spec.Place(path="~/.config/kilo", env="KILO_CONFIG_DIR"),
    ),
    # Other commands than this make settings and a database (7.7.9).
    version=spec.VersionProbe(),
    transcripts=(_DATA, spec.Place(path=_DATA.path, env="KILO_DB")),  # the variable names a database
    # Read again for each request; a missing file is ignored (7.7.9).
    handoff_entry=spec.HandoffEntry(
        files=_SETTINGS, new=_SETTINGS[2], key="instructions", entry=".carryover/handoff-kilo.md"
    ),
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
    guidance=(".kilo/rules/*.md", ".kilocode/rules/*.md", ".kilocoderules"),
    start=spec.Starter(binary="kilo", args=("--prompt", "{prompt}"), resume=("--session", "{session}")),
)

_OWN_TABLE: Final = "kilo_board"
"""What its relatives' databases do not have (7.7.9)."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` if its name is that of a database; reads nothing."""
    database = databases.database_at(path, root)
    return _source(database) if database is not None else None


def sources(root: Path) -> list[Source]:
    """Returns every database below `root`, sorted by path."""
    return [_source(path) for path in databases.databases(root)]


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the database in a file anywhere on disk."""
    return _source(path) if _OWN_TABLE in databases.tables_of_copy(path, head) else None


def _source(path: Path) -> Source:
    return Source(agent=SPEC.id, path=str(path))


AGENT: Final = Agent(
    spec=SPEC,
    reader=databases.READER,
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=parse_record,
    exported=exported,
)
