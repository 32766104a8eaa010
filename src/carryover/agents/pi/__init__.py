"""pi: one file of JSON lines per session, whose entries form a tree. Format facts: FACTS.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.pi/agent", env="PI_CODING_AGENT_DIR")
_EXTENSION: Final = _HOME / "extensions/carryover.js"
_MCP: Final = _HOME / "mcp.json"

SPEC: Final = spec.AgentSpec(
    id="pi",
    name="pi",
    binaries=("pi",),
    folders=(_HOME,),
    # One subfolder per start folder; with the second variable, all sessions in one folder.
    transcripts=(_HOME / "sessions", spec.Place(path="~/.pi/agent/sessions", env="PI_CODING_AGENT_SESSION_DIR")),
    hooks=spec.HookSpec(
        config_files=(_EXTENSION,),
        form="extension",
        extension=Path(__file__).with_name("extension.js"),
        # Before 0.87 a section of the system message has no effect.
        sets=(
            spec.HookSet(
                since="0.87.1",
                hooks=(spec.HookEntry(event="SessionStart", timeout_s=2), spec.HookEntry(event="Stop", timeout_s=2)),
            ),
        ),
        unknown_from="2",
        injects_on=("SessionStart",),
    ),
    mcp=(spec.McpServers(files=(_MCP,), key="mcpServers"),),
    instructions=(spec.InstructionFile(name="AGENTS.md", hidden_by=("AGENTS.override.md",)),),
    commands={
        _HOME: ("prompts/*.md", "skills/*/SKILL.md"),
        spec.PROJECT: (".pi/prompts/*.md", ".pi/skills/*/SKILL.md"),
    },
    start=spec.Starter(resume=("--session", "{session}")),
)
