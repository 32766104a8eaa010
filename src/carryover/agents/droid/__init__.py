"""Droid: Factory's agent. Sessions of JSON lines, in a tree of messages like those of the Messages API."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec
from carryover.adapter.user_settings import off_by

_HOME: Final = spec.Place(path="~/.factory")
_SETTINGS: Final = _HOME / "settings.json"
_START, _COMPACT, _STOP, _END = (
    spec.HookEntry(event=event, timeout_s=5) for event in ("SessionStart", "PreCompact", "Stop", "SessionEnd")
)

SPEC: Final = spec.AgentSpec(
    id="droid",
    name="Droid",
    aliases=("factory-droid",),
    binaries=("droid",),
    folders=(_HOME,),
    transcripts=(_HOME / "sessions",),
    hooks=spec.HookSpec(
        config_files=(_SETTINGS,),
        sets=(spec.HookSet(since="0.215", hooks=(_START, _COMPACT, _STOP, _END)),),
        unknown_from="1",
        injects_on=("SessionStart",),
    ),
    user_settings=off_by(_SETTINGS, ("hooks", "hooksDisabled"), value=True),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    start=spec.Starter(args=("{prompt}",), resume=("--resume", "{session}")),
)
