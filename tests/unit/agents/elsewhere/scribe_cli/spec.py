"""Scribe as it is installed."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_SETTINGS: Final = spec.Place(path="~/.scribe/settings.json", env="SCRIBE_HOME", below="settings.json")
_HOOKS: Final = (spec.HookEntry(event="Awake", timeout_s=2), spec.HookEntry(event="Rest", timeout_s=2))
_NOTES: Final = spec.Place(path="~/.scribe/notes.toml", env="SCRIBE_HOME", below="notes.toml")


SPEC: Final = spec.AgentSpec(
    id="scribe-cli",
    name="Scribe CLI",
    short_name="Scribe",
    aliases=("scribe",),
    binaries=("scribe",),
    folders=(spec.Place(path="~/.scribe", env="SCRIBE_HOME"),),
    transcripts=(spec.Place(path="~/.scribe/talks", env="SCRIBE_HOME", below="talks"),),
    version=spec.VersionProbe(args=("--version",), pattern=r"^scribe (\d+\.\d+)$"),
    hooks=spec.HookSpec(
        config_files=(_SETTINGS,),
        sets=(spec.HookSet(versions=">=1,<2", label="1.x", hooks=_HOOKS),),
        injects_on=("Awake",),
        switches=(spec.HookSwitch(file=_SETTINGS, key=("mute",), off=True),),
        review=spec.HookReview(
            versions=">=1",
            what="Scribe reads new hooks aloud first: nod to each.",
            state_file=_NOTES,
            has_reviewed=lambda notes, hook: f"{hook.event}#{hook.group}#{hook.number}" in notes.get("nodded", {}),
        ),
    ),
    instructions=(
        spec.InstructionFile(name="SCRIBE.md", hidden_by=("SCRIBE.local.md",)),
        spec.InstructionFile(
            name="AGENTS.md",
            limit=spec.InstructionLimit(file=_NOTES, key="most_bytes", default_bytes=1_000),
        ),
    ),
    retention=spec.Retention(key="keepDays", default_days=9),
    start=spec.Starter(binary="scribe", args=("--say", "{prompt}")),
)
