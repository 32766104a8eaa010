"""Hermes Agent: one database per profile, with the sessions of all projects. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.hermes", env="HERMES_HOME")


SPEC: Final = spec.AgentSpec(
    id="hermes",
    name="Hermes Agent",
    short_name="Hermes",
    binaries=("hermes",),
    folders=(_HOME,),
    version=r"^Hermes Agent v?(\d{1,9}\.\d{1,9}\.\d{1,9})",
    transcripts=(_HOME,),
    # A file of its own or HERMES.md takes the place of AGENTS.md (0.19.0).
    instructions=(spec.InstructionFile(name="AGENTS.md", hidden_by=(".hermes.md", "HERMES.md")),),
    commands={_HOME: ("skills/**/SKILL.md",)},
    start=spec.Starter(args=("chat", "--query", "{prompt}"), resume=("--resume", "{session}")),
)
