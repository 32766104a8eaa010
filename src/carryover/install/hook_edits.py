"""The hooks in tools' settings: which edits bring them there, and which take them away again."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from carryover.adapter.spec import HookEntry, HookFileRules
from carryover.agents import agent_names
from carryover.configedit.hook import UNKNOWN, Form, FoundHook, Hook, Origin
from carryover.configedit.json_document import Refused
from carryover.configedit.settings_text import hooks_of, origin_of, with_hooks, without_hooks
from carryover.configedit.stub_line import WhoseIs, by_scripts
from carryover.install.hook_files import HookFile
from carryover.install.plan import Change, Edit, plan
from carryover.install.record import EditedFile, Record

_INSTALL: Final = "Put that right, then run `carryover refresh`."
_UNINSTALL: Final = "Take out the hooks that run {script} by hand."


@dataclass(frozen=True, slots=True)
class Stub:
    """What our hooks run. Made of `publish.stub`: `Stub(state.root / SCRIPT, partial(stub_command, state.root))`."""

    script: Path
    """By its path our hooks are told from others."""
    command: Callable[[str, str], str]
    """The command line for a tool's id and an event."""


@dataclass(frozen=True, slots=True)
class ToolHooks:
    """The hooks that one tool's settings should hold, at most one an event; `config` is their absolute path."""

    tool: str
    name: str
    """As people know it: `Claude Code`."""
    config: Path
    hooks: tuple[HookEntry, ...]
    form: Form = "nested"
    rules: HookFileRules | None = None
    elsewhere: tuple[HookFile, ...] = ()
    """Other settings that hold hooks of ours and are to lose them, recorded or not."""
    blocked: str = ""
    """Why none can be written now, as a clause; empty where nothing is in the way."""

    def wanted(self, stub: Stub) -> tuple[Hook, ...]:
        """The hooks with their command lines."""
        return tuple(
            Hook(
                event=hook.event,
                command=stub.command(self.tool, hook.event),
                matcher=hook.matcher,
                timeout_s=hook.timeout_s,
            )
            for hook in self.hooks
        )


@dataclass(frozen=True, slots=True)
class HooksFound:
    """How the settings of a tool stand to what they should hold. The three tuples hold events."""

    present: tuple[str, ...]
    missing: tuple[str, ...]
    edited: tuple[str, ...]
    """Ours, but another command line, matcher or time limit than we would write."""


def plan_hooks(tools: Sequence[ToolHooks], record: Record, stub: Stub) -> tuple[Edit, ...]:
    """One edit a settings file: `tools` get their hooks; recorded files that are no longer any tool's lose ours.

    Where a tool's hooks cannot be written, those that it has in another file stay.
    """
    wanted = [tool for tool in tools if tool.hooks]
    puts = [plan(_putting(tool, record, stub)) for tool in wanted]
    kept = {os.path.realpath(tool.config) for tool in wanted}
    stuck = {put.change.tool for put in puts if put.reason is not None}
    gone = [file for file in record.files if os.path.realpath(file.path) not in kept]
    gone += [file for tool in wanted for file in _unrecorded(tool, record, stub)]
    return (*puts, *(plan(taking_out(file)) for file in gone if file.tool not in stuck))


def taking_out(file: EditedFile) -> Change:
    """The change that takes our hooks out of a file again."""
    path = Path(file.path)
    return Change(
        path=path,
        why=f"hooks of {agent_names().get(file.tool, file.tool)}",
        edit=partial(_without, whose=by_scripts(Path(file.script)), origin=file.origin, form=file.form),
        remedy=_UNINSTALL.format(script=file.script),
        recorded=_forgotten,
        tool=file.tool,
        backup=False,
    )


def hooks_found(data: bytes | None, tool: ToolHooks, stub: Stub) -> HooksFound:
    """Compares a tool's settings with what they should hold.

    Raises:
        Refused: the settings cannot be read.
    """
    there = () if data is None else hooks_of(data, by_scripts(stub.script), form=tool.form)
    found = [hook for hook in there if hook.whose != "others"]
    by_event: dict[str, list[FoundHook]] = {}
    for hook in found:
        by_event.setdefault(hook.hook.event, []).append(hook)
    present: list[str] = []
    missing: list[str] = []
    edited: list[str] = []
    for wanted in tool.wanted(stub):
        here = by_event.pop(wanted.event, [])
        state = missing if not here else present if [hook.hook for hook in here] == [wanted] else edited
        state.append(wanted.event)
    return HooksFound(tuple(present), tuple(missing), (*edited, *by_event))


def _unrecorded(tool: ToolHooks, record: Record, stub: Stub) -> list[EditedFile]:
    return [
        EditedFile(path=str(file.path), tool=tool.tool, script=str(stub.script), form=file.form)
        for file in tool.elsewhere
        if record.of(file.path) is None
    ]


def _putting(tool: ToolHooks, record: Record, stub: Stub) -> Change:
    known = record.of(tool.config)
    scripts = {stub.script, *((Path(known.script),) if known else ())}
    whose = by_scripts(*sorted(scripts))
    origin = known.origin if known else UNKNOWN

    def edit(data: bytes | None) -> bytes:
        if tool.blocked:
            raise Refused(tool.blocked)
        return with_hooks(data, tool.wanted(stub), whose, origin, form=tool.form, rules=tool.rules)

    return Change(
        path=tool.config,
        why=f"hooks of {tool.name}",
        edit=edit,
        remedy=_INSTALL,
        recorded=partial(_entry, tool=tool, script=stub.script, whose=whose, known=known),
        tool=tool.tool,
    )


def _entry(
    before: bytes | None, *, tool: ToolHooks, script: Path, whose: WhoseIs, known: EditedFile | None
) -> EditedFile:
    return EditedFile(
        path=str(tool.config),
        tool=tool.tool,
        script=str(script),
        form=tool.form,
        origin=origin_of(before, whose, known.origin if known else None, form=tool.form),
        folders=known.folders if known else (),
    )


def _without(data: bytes | None, *, whose: WhoseIs, origin: Origin, form: Form) -> bytes | None:
    return None if data is None else without_hooks(data, whose, origin, form=form)


def _forgotten(before: bytes | None) -> None:
    """Nothing is left to remember of a file without our hooks."""
