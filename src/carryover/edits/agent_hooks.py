"""Plans the edits that put our hooks into agents' settings, and those that take them out again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from carryover.adapter.spec import TIMEOUT_UNITS, HookEntry, HookFileRules, TimeoutUnit
from carryover.agents import agent_names
from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import OwnerOf, hook_command, owner_by_script
from carryover.edits.hooks import UNKNOWN, Form, FoundHook, Hook, HookFile, Origin
from carryover.edits.plan import Change, Edit, plan
from carryover.edits.record import EditedFile, Record
from carryover.edits.settings import hooks_of, origin_of, with_hooks, without_hooks

_INSTALL_REMEDY: Final = "Fix that, then run `carryover refresh`."
_UNINSTALL_REMEDY: Final = "Remove the hooks that run {script} yourself."


@dataclass(frozen=True, slots=True)
class AgentHooks:
    """The hooks that one agent's settings should hold, at most one per event; `config` is their absolute path."""

    agent: str
    name: str
    """As people know it: `Claude Code`."""
    config: Path
    hooks: tuple[HookEntry, ...]
    form: Form = "nested"
    timeout_unit: TimeoutUnit = "s"
    hook_name: str | None = None
    rules: HookFileRules | None = None
    elsewhere: tuple[HookFile, ...] = ()
    """Other settings that hold hooks of ours and should lose them, recorded or not."""
    blocked: str = ""
    """Why none can be written now, as a clause; empty where nothing prevents it."""

    def wanted(self, script: Path) -> tuple[Hook, ...]:
        """The hooks with their command lines."""
        return tuple(
            Hook(
                event=hook.event,
                command=hook_command(script.parent, self.agent, hook.event),
                name=self.hook_name,
                matcher=hook.matcher,
                timeout=None if self.form == "plain" else hook.timeout_s * TIMEOUT_UNITS[self.timeout_unit],
            )
            for hook in self.hooks
        )


@dataclass(frozen=True, slots=True)
class HookDiff:
    """How an agent's settings differ from what they should hold. The three tuples hold events."""

    present: tuple[str, ...]
    missing: tuple[str, ...]
    edited: tuple[str, ...]
    """Ours, but with another command line, matcher or time limit than we would write."""


def plan_hooks(agents: Sequence[AgentHooks], record: Record, script: Path) -> tuple[Edit, ...]:
    """One edit per settings file: `agents` get their hooks, and recorded files that no agent uses any more lose ours.

    Where an agent's hooks cannot be written, those that it has in another file stay. `script`: what the hooks run.
    """
    wanted = [agent for agent in agents if agent.hooks]
    puts = [plan(_hook_change(agent, record, script)) for agent in wanted]
    kept = {os.path.realpath(agent.config) for agent in wanted}
    stuck = {put.change.agent for put in puts if put.reason is not None}
    gone = [file for file in record.files if file.form != "list" and os.path.realpath(file.path) not in kept]
    gone += [file for agent in wanted for file in _unrecorded(agent, record, script)]
    return (*puts, *(plan(hook_removal(file)) for file in gone if file.agent not in stuck))


def hook_removal(file: EditedFile) -> Change:
    """The change that takes our hooks out of a file again."""
    path = Path(file.path)
    return Change(
        path=path,
        what=f"hooks of {agent_names().get(file.agent, file.agent)}",
        edit=partial(_without, owner_of=owner_by_script(Path(file.script)), origin=file.origin, form=file.form),
        remedy=_UNINSTALL_REMEDY.format(script=file.script),
        recorded=_forget,
        agent=file.agent,
        backup=False,
    )


def compare_hooks(data: bytes | None, agent: AgentHooks, script: Path) -> HookDiff:
    """Compares an agent's settings with what they should hold.

    Raises:
        EditRefused: the settings cannot be read.
    """
    there = () if data is None else hooks_of(data, owner_by_script(script), form=agent.form)
    found = [hook for hook in there if hook.owner != "others"]
    by_event: dict[str, list[FoundHook]] = {}
    for hook in found:
        by_event.setdefault(hook.hook.event, []).append(hook)
    present: list[str] = []
    missing: list[str] = []
    edited: list[str] = []
    for wanted in agent.wanted(script):
        here = by_event.pop(wanted.event, [])
        state = missing if not here else present if [hook.hook for hook in here] == [wanted] else edited
        state.append(wanted.event)
    return HookDiff(tuple(present), tuple(missing), (*edited, *by_event))


def _unrecorded(agent: AgentHooks, record: Record, script: Path) -> list[EditedFile]:
    return [
        EditedFile(path=str(file.path), agent=agent.agent, script=str(script), form=file.form)
        for file in agent.elsewhere
        if record.of(file.path) is None
    ]


def _hook_change(agent: AgentHooks, record: Record, script: Path) -> Change:
    known = record.of(agent.config)
    scripts = {script, *((Path(known.script),) if known else ())}
    owner_of = owner_by_script(*sorted(scripts))
    origin = known.origin if known else UNKNOWN

    def edit(data: bytes | None) -> bytes:
        if agent.blocked:
            raise EditRefused(agent.blocked)
        return with_hooks(data, agent.wanted(script), owner_of, origin, form=agent.form, rules=agent.rules)

    return Change(
        path=agent.config,
        what=f"hooks of {agent.name}",
        edit=edit,
        remedy=_INSTALL_REMEDY,
        recorded=partial(_entry, agent=agent, script=script, owner_of=owner_of, known=known),
        agent=agent.agent,
    )


def _entry(
    before: bytes | None, *, agent: AgentHooks, script: Path, owner_of: OwnerOf, known: EditedFile | None
) -> EditedFile:
    return EditedFile(
        path=str(agent.config),
        agent=agent.agent,
        script=str(script),
        form=agent.form,
        origin=origin_of(before, owner_of, known.origin if known else None, form=agent.form),
        folders=known.folders if known else (),
    )


def _without(data: bytes | None, *, owner_of: OwnerOf, origin: Origin, form: Form) -> bytes | None:
    return None if data is None else without_hooks(data, owner_of, origin, form=form)


def _forget(before: bytes | None) -> None:
    """The record of a file without our hooks: none."""
