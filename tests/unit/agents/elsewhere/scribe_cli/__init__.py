"""Scribe: an agent that there is not. Its folder is all that Carryover has of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.adapter import spec
from carryover.adapter.user_settings import off_by, value_of

_SETTINGS: Final = spec.Place(path="~/.scribe/settings.json", env="SCRIBE_HOME", below="settings.json")
_HOOKS: Final = (spec.HookEntry(event="Awake", timeout_s=2), spec.HookEntry(event="Rest", timeout_s=2))
_NOTES: Final = spec.Place(path="~/.scribe/notes.toml", env="SCRIBE_HOME", below="notes.toml")


def _user_settings(agent: spec.OnMachine) -> Iterator[spec.UserSetting]:
    yield from off_by(_SETTINGS, ("mute",), value=True)(agent)
    notes, file = agent.values(_NOTES), agent.located(_NOTES)
    hook = agent.hook
    if hook is not None and value_of(notes, "nodded", f"{hook.event}#{hook.group}#{hook.number}") is None:
        yield spec.UserSetting(kind="review", by="Scribe reads new hooks aloud first: nod to each.", at=file)


SPEC: Final = spec.AgentSpec(
    id="scribe-cli",
    name="Scribe CLI",
    short_name="Scribe",
    aliases=("scribe",),
    binaries=("scribe",),
    folders=(spec.Place(path="~/.scribe", env="SCRIBE_HOME"),),
    transcripts=(spec.Place(path="~/.scribe/talks", env="SCRIBE_HOME", below="talks"),),
    version=r"^scribe (\d+\.\d+)$",
    hooks=spec.HookSpec(
        config_files=(_SETTINGS,),
        sets=(spec.HookSet(since="1", hooks=_HOOKS),),
        unknown_from="2",
        injects_on=("Awake",),
    ),
    user_settings=_user_settings,
    instructions=(
        spec.InstructionFile(name="SCRIBE.md", hidden_by=("SCRIBE.local.md",)),
        spec.InstructionFile(name="AGENTS.md"),
    ),
    start=spec.Starter(args=("--say", "{prompt}")),
)
