"""Kimi Code: one file of JSON lines per agent of a session, beside a file with the facts about the session."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.kimi-code", env="KIMI_CODE_HOME")


SPEC: Final = spec.AgentSpec(
    id="kimi-code",
    name="Kimi Code",
    short_name="Kimi",
    binaries=("kimi",),
    folders=(_HOME,),
    # One subfolder per start folder.
    transcripts=(_HOME / "sessions",),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    start=spec.Starter(args=(), resume=("--session", "{session}")),
)
