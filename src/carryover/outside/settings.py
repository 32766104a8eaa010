"""Plans the edits that put our hooks, the handoff's entry or our MCP server into agents' settings, and remove them."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, cast

import msgspec

from carryover.adapter.spec import TIMEOUT_UNITS, AgentSpec, Form, HookEntry
from carryover.agents import agent_name
from carryover.edits import extension, hooks
from carryover.edits.entries import NAME, ListEntry, origin_of_entry, with_entry, without_entry
from carryover.edits.hooks import Hook, hook_command, owner_by_script
from carryover.outside.apply import Edit, OriginOf, Putting, Taking, Text, plan
from carryover.outside.journal import Journal
from carryover.outside.listed import Listed
from carryover.text.user_text import UNKNOWN, Origin

_REMEDY: Final = "Fix that, then run `carryover refresh`."


class AgentSettings(msgspec.Struct, frozen=True):
    """Our part of one agent's settings: at most one hook per event, or an entry (form `list`)."""

    spec: AgentSpec
    config: Path
    """Absolute path of the settings file."""
    form: Form = "nested"
    hooks: tuple[HookEntry, ...] = ()

    def wanted(self, script: Path) -> tuple[Hook, ...]:
        """Returns the hooks with their command lines, which run `script`."""
        unit = TIMEOUT_UNITS[self.spec.hooks.timeout_unit]
        return tuple(
            Hook(
                event=hook.event,
                command=hook_command(script.parent, self.spec.id, hook.event),
                name=hook.also.get("name"),
                matcher=hook.also.get("matcher"),
                timeout=None if self.form == "plain" else hook.timeout_s * unit,
            )
            for hook in self.hooks
        )

    @property
    def entry(self) -> EntrySettings:
        """For the form `list`: our entry."""
        entry = self.spec.handoff_entry
        assert entry is not None
        return EntrySettings(self.spec.id, self.config, ListEntry(entry.key, entry.entry))


class EntrySettings(msgspec.Struct, frozen=True):
    """Our entry in one agent's settings. `config`: the absolute path of the file."""

    agent: str
    config: Path
    entry: ListEntry


def plan_settings(
    agents: Sequence[AgentSettings], journal: Journal, script: Path, *, waiting: Collection[str] = ()
) -> tuple[Edit, ...]:
    """Plans one edit per settings file: the files of `agents` get their hooks or entry, and listed files that are no
    longer used lose ours.

    If an agent's settings can't be written, or the agent is among those `waiting` for a folder of theirs, our hooks in
    its other files stay. `script`: the script that hooks run.
    """
    wanted = [agent for agent in agents if agent.hooks or agent.form == "list"]
    edits = []
    for agent in wanted:
        is_entry = agent.form == "list"
        edits.append(plan(_entry_addition(agent.entry, journal) if is_entry else _addition(agent, journal, script)))
    kept = {os.path.realpath(agent.config) for agent in wanted}
    stuck = {edit.text.listed.agent for edit in edits if edit.reason is not None and edit.text.listed is not None}
    for file in journal.settings:
        is_unused = not file.is_server and os.path.realpath(file.path) not in kept
        if is_unused and file.agent not in stuck and file.agent not in waiting:
            edits.append(plan(removal(file), out=True))
    return tuple(edits)


def plan_servers(wanted: Sequence[EntrySettings], journal: Journal) -> tuple[Edit, ...]:
    """Plans one edit per settings file: those of `wanted` get our MCP server, other listed files lose it."""
    kept = {os.path.realpath(server.config) for server in wanted}
    gone = [file for file in journal.settings if file.is_server and os.path.realpath(file.path) not in kept]
    entered = (plan(_entry_addition(server, journal)) for server in wanted)
    return (*entered, *(plan(removal(file), out=True) for file in gone))


def is_toml(path: Path) -> bool:
    """Whether settings are TOML, and not JSON."""
    return path.suffix == ".toml"


def removal(file: Listed) -> Text:
    """Returns our hooks, our entry or our MCP server in a file, to be taken out."""
    ours = {
        "list": f'"{file.entry}" from its "{file.key}"',
        "server": f'"{NAME}" from its "{file.key}"',
    }.get(file.form, f"the hooks that run {file.script}")

    def without(data: bytes, origin: Origin) -> bytes | None:
        if file.form in ("list", "server"):
            return without_entry(data, _recorded(file), origin)
        form = cast("Form", file.form)  # of an agent's settings
        return hooks.without_hooks(data, owner_by_script(Path(file.script)), origin, form=form)

    return Text(
        path=Path(file.path),
        what=_what(file),
        take=without,
        remedy=f"Remove {ours} yourself.",
        listed=file,
    )


def _addition(agent: AgentSettings, journal: Journal, script: Path) -> Text:
    known = journal.at(agent.config)
    owner_of = owner_by_script(*sorted({script, *((Path(known.script),) if known else ())}))
    form = agent.form
    rules = agent.spec.hooks
    program = agent.spec.hooks.extension
    wanted = agent.wanted(script)
    origin = known.origin if known else UNKNOWN

    def edit(data: bytes | None) -> bytes:
        if program is not None:
            return extension.extension_with_hooks(data, program.read_text("utf-8"), hooks.in_extension(wanted))
        return hooks.with_hooks(data, wanted, owner_of, form=form, origin=origin, rules=rules)

    def origin_of(before: bytes | None, former: Origin | None) -> Origin:
        return hooks.edited_from(before, owner_of, former, form=form)

    file = Listed(path=str(agent.config), agent=agent.spec.id, form=form, script=str(script))
    return _put(file, edit, lambda data, origin: hooks.without_hooks(data, owner_of, origin, form=form), origin_of)


def _entry_addition(wanted: EntrySettings, journal: Journal) -> Text:
    entry = wanted.entry
    text = entry.value if isinstance(entry.value, str) else ""
    form: Form = "list" if text else "server"
    known = journal.at(wanted.config, server=not text)

    def fresh(data: bytes | None) -> bytes | None:
        """Returns the settings without the entry that an earlier version of Carryover put there."""
        if data is None or known is None or known.entry in ("", entry.value):
            return data
        return without_entry(data, _recorded(known), known.origin)

    def without(data: bytes, origin: Origin) -> bytes | None:
        left = fresh(data)
        return without_entry(left, entry, origin) if left is not None else None

    return _put(
        Listed(path=str(wanted.config), agent=wanted.agent, form=form, key=entry.key, entry=text),
        lambda data: with_entry(fresh(data), entry),
        without,
        lambda before, former: origin_of_entry(fresh(before), entry, former),
    )


def _recorded(file: Listed) -> ListEntry:
    return ListEntry(file.key, file.entry if file.form == "list" else {}, is_toml(Path(file.path)))


def _put(file: Listed, put: Putting, take: Taking, origin: OriginOf) -> Text:
    """Returns ours in a file, to be put in."""
    return Text(path=Path(file.path), what=_what(file), put=put, take=take, remedy=_REMEDY, listed=file, origin=origin)


def _what(file: Listed) -> str:
    kinds = {"list": "entry", "server": "MCP server"}
    return f"{kinds.get(file.form, 'hooks')} of {agent_name(file.agent)}"
