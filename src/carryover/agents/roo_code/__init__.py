"""Roo Code: an extension for VS Code, a fork of Cline, whose form of tasks it keeps. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec
from carryover.agents.cline import in_editors, servers_in_editors

_STORAGE: Final = "User/globalStorage/rooveterinaryinc.roo-cline"

SPEC: Final = spec.AgentSpec(
    id="roo-code",
    name="Roo Code",
    binaries=("roo",),
    folders=in_editors(_STORAGE),
    transcripts=in_editors(f"{_STORAGE}/tasks"),
    mcp=servers_in_editors(f"{_STORAGE}/settings/mcp_settings.json"),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(name=".roo/rules/carryover-handoff.md"),
    guidance=(".roo/rules/*.md", ".roorules", ".clinerules"),
    commands={
        spec.PROJECT: (".roo/commands/*.md",),
        spec.Place(path="~/.roo"): ("commands/*.md",),
    },
)
