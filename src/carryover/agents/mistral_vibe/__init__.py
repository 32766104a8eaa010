"""Mistral Vibe: one folder per session, with a state that is replaced and a journal of what has changed since."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.vibe", env="VIBE_HOME")
_SETTINGS: Final = _HOME / "config.toml"
_SKILLS: Final = (".vibe/skills/*/SKILL.md", ".agents/skills/*/SKILL.md")

SPEC: Final = spec.AgentSpec(
    id="mistral-vibe",
    name="Mistral Vibe",
    short_name="Vibe",
    binaries=("vibe",),
    folders=(_HOME,),
    version=r"^vibe (\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])",
    transcripts=(_HOME / "logs/session",),
    mcp=(spec.McpServers(files=(_SETTINGS,), key="mcp_servers", also={"name": "carryover", "transport": "stdio"}),),
    # Only in folders that the user has trusted.
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    guidance=_SKILLS,
    commands={_HOME: ("skills/*/SKILL.md",), spec.PROJECT: _SKILLS},
    start=spec.Starter(resume=("--resume", "{session}")),
)
