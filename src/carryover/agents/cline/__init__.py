"""Cline: the terminal client (3.x), and the extension for VS Code with the tasks of its earlier versions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.cline", env="CLINE_DIR")
_TASKS: Final = "tasks"
"""The folder with the tasks of the extension's own form, and of the terminal client before 3.0."""
_SESSIONS: Final = "sessions"
_STORAGE: Final = "User/globalStorage/saoudrizwan.claude-dev"
EDITORS: Final = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")
_RULES: Final = "rules/carryover-handoff.md"


def _data(below: str) -> tuple[spec.Place, ...]:
    """Returns a path below the data folder, which two variables move."""
    default = f"~/.cline/data/{below}"
    return (
        spec.Place(path=default, env="CLINE_DIR", below=f"data/{below}"),
        spec.Place(path=default, env="CLINE_DATA_DIR", below=below),
    )


def in_editors(path: str) -> tuple[spec.Place, ...]:
    """Returns a path below the data of each editor that runs such an extension."""
    places = (spec.application_places(f"{name}/{path}") for name in EDITORS)
    return tuple(place for found in places for place in found)


def servers_in_editors(path: str) -> tuple[spec.McpServers, ...]:
    """Returns the MCP servers that the extension keeps in each editor."""
    places = (spec.application_places(f"{name}/{path}") for name in EDITORS)
    return tuple(spec.McpServers(files=files, key="mcpServers") for files in places)


_PLUGIN: Final = _HOME / "plugins/carryover.js"
_MCP: Final = "settings/cline_mcp_settings.json"

SPEC: Final = spec.AgentSpec(
    id="cline",
    name="Cline",
    binaries=("cline",),
    folders=(_HOME, *in_editors(f"{_STORAGE}/")),
    transcripts=(
        *_data(_SESSIONS),
        spec.Place(path=f"~/.cline/data/{_SESSIONS}", env="CLINE_SESSION_DATA_DIR"),
        *_data(_TASKS),
        *in_editors(f"{_STORAGE}/{_TASKS}"),
    ),
    hooks=spec.HookSpec(
        config_files=(_PLUGIN,),
        form="extension",
        extension=Path(__file__).with_name("extension.js"),
        sets=(
            spec.HookSet(
                since="3.0.57",
                hooks=(spec.HookEntry(event="SessionStart", timeout_s=2), spec.HookEntry(event="Stop", timeout_s=2)),
            ),
        ),
        unknown_from="4",
        injects_on=("SessionStart",),
    ),
    mcp=(
        # Without it the client waits 3 s for a server to start, and goes on without its tools.
        spec.McpServers(files=_data(_MCP)[:1], key="mcpServers", also={"timeout": 15}),
        *servers_in_editors(f"{_STORAGE}/{_MCP}"),
    ),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(name=f".cline/{_RULES}"),
    guidance=(".clinerules", ".clinerules/*.md", ".cline/rules/*.md"),
    commands={
        spec.PROJECT: (".clinerules/workflows/*.md", ".cline/workflows/*.md", ".cline/skills/*/SKILL.md"),
        _HOME: ("workflows/*.md", "skills/*/SKILL.md"),
    },
    start=spec.Starter(
        args=("-i", "{prompt}"),
        resume=("--id", "{session}"),
        not_resumed="A task of the extension can only be continued there.",
    ),
)
