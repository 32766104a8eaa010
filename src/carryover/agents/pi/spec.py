"""pi's installation: command, folders, instruction files. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_HOME: Final = "PI_CODING_AGENT_DIR"
_MCP: Final = spec.Place(path="~/.pi/agent/mcp.json", env=_HOME, below="mcp.json")

SPEC: Final = spec.AgentSpec(
    id="pi",
    name="pi",
    binaries=("pi",),
    folders=(spec.Place(path="~/.pi/agent", env=_HOME),),
    version=spec.VersionProbe(),
    # One subfolder per start folder; with the second variable, all sessions in one folder.
    transcripts=(
        spec.Place(path="~/.pi/agent/sessions", env=_HOME, below="sessions"),
        spec.Place(path="~/.pi/agent/sessions", env="PI_CODING_AGENT_SESSION_DIR"),
    ),
    mcp=(spec.McpServers(files=(_MCP,), key="mcpServers"),),
    instructions=(spec.InstructionFile(name="AGENTS.md", hidden_by=("AGENTS.override.md",)),),
    commands=(
        spec.CommandFiles(
            folder=spec.Place(path="~/.pi/agent", env=_HOME), patterns=("prompts/*.md", "skills/*/SKILL.md")
        ),
        spec.CommandFiles(patterns=(".pi/prompts/*.md", ".pi/skills/*/SKILL.md")),
    ),
    start=spec.Starter(binary="pi", resume=("--session", "{session}")),
)
