"""Scribe as it is installed."""

from __future__ import annotations

from typing import Final

from carryover.adapter.spec import (
    AgentSpec,
    HookEntry,
    HookReview,
    HookSet,
    HookSpec,
    HookSwitch,
    InstructionFile,
    InstructionLimit,
    Place,
    Retention,
    Starter,
    VersionProbe,
)

_SETTINGS: Final = Place(path="~/.scribe/settings.json", env="SCRIBE_HOME", below="settings.json")
_HOOKS: Final = (HookEntry(event="Awake", timeout_s=2), HookEntry(event="Rest", timeout_s=2))
_NOTES: Final = Place(path="~/.scribe/notes.toml", env="SCRIBE_HOME", below="notes.toml")


SPEC: Final = AgentSpec(
    id="scribe-cli",
    name="Scribe CLI",
    short_name="Scribe",
    aliases=("scribe",),
    binaries=("scribe",),
    folders=(Place(path="~/.scribe", env="SCRIBE_HOME"),),
    transcripts=(Place(path="~/.scribe/talks", env="SCRIBE_HOME", below="talks"),),
    version=VersionProbe(args=("--version",), pattern=r"^scribe (\d+\.\d+)$"),
    hooks=HookSpec(
        config_files=(_SETTINGS,),
        sets=(HookSet(versions=">=1,<2", label="1.x", hooks=_HOOKS),),
        injects_on=("Awake",),
        switches=(HookSwitch(file=_SETTINGS, key=("mute",), off=True),),
        review=HookReview(
            versions=">=1",
            what="Scribe reads new hooks aloud first: nod to each.",
            state_file=_NOTES,
            tables=("nodded",),
            mark="on",
            entry=lambda _file, event, group, handler: f"{event}#{group}#{handler}",
        ),
        offline="""
case $payload in
  *'"quill"'*) reason=startup ;;
  *) exit 0 ;;
esac
""",
    ),
    instructions=(
        InstructionFile(name="SCRIBE.md", create=True, hidden_by=("SCRIBE.local.md",)),
        InstructionFile(
            name="AGENTS.md", create=True, limit=InstructionLimit(file=_NOTES, key="most_bytes", default_bytes=1_000)
        ),
    ),
    retention=Retention(key="keepDays", default_days=9),
    start=Starter(binary="scribe", args=("--say", "{prompt}")),
)
