"""OpenClaw: it runs on pi, and keeps the sessions of each of its agents in a database. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.openclaw", env="OPENCLAW_STATE_DIR")


SPEC: Final = spec.AgentSpec(
    id="openclaw",
    name="OpenClaw",
    binaries=("openclaw",),
    folders=(_HOME,),
    version=r"^OpenClaw v?(\d{1,9}\.\d{1,9}\.\d{1,9})",
    transcripts=(_HOME / "agents",),
    instructions=(spec.InstructionFile(name=spec.AGENTS_MD),),
    commands={_HOME: ("skills/*/SKILL.md",), spec.PROJECT: ("skills/*/SKILL.md",)},
)
