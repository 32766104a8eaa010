"""Roo Code's installation: the extension's folders, its MCP servers and instruction files. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_STORAGE: Final = "User/globalStorage/rooveterinaryinc.roo-cline"
_MCP: Final = "settings/mcp_settings.json"
_EDITORS: Final = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")


def _in_editors(below: str = "") -> tuple[spec.Place, ...]:
    places = (spec.application_places(f"{name}/{_STORAGE}{below}") for name in _EDITORS)
    return tuple(place for found in places for place in found)


SPEC: Final = spec.AgentSpec(
    id="roo-code",
    name="Roo Code",
    binaries=("roo",),
    folders=_in_editors(),
    version=spec.VersionProbe(),
    transcripts=_in_editors("/tasks"),
    mcp=tuple(
        spec.McpServers(files=spec.application_places(f"{name}/{_STORAGE}/{_MCP}"), key="mcpServers")
        for name in _EDITORS
    ),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(name=".roo/rules/carryover-handoff.md"),
    guidance=(".roo/rules/*.md", ".roorules", ".clinerules"),
    commands=(
        spec.CommandFiles(patterns=(".roo/commands/*.md",)),
        spec.CommandFiles(folder=spec.Place(path="~/.roo"), patterns=("commands/*.md",)),
    ),
)
