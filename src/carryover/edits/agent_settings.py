"""Plans the edits that put our hooks, the handoff's entry or our MCP server into agents' settings, and remove them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from carryover.adapter.spec import TIMEOUT_UNITS, AgentSpec, HookEntry
from carryover.agents import agent_name
from carryover.edits import server_entry, settings, settings_list
from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import hook_command, owner_by_script
from carryover.edits.hooks import UNKNOWN, Form, FoundHook, Hook, HookFile
from carryover.edits.plan import Change, Edit, plan
from carryover.edits.record import EditedFile, Record

_REMEDY: Final = "Fix that, then run `carryover refresh`."


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Our part of one agent's settings: at most one hook per event, or an entry (form `list`)."""

    spec: AgentSpec
    config: Path
    """Absolute path of the settings file."""
    form: Form = "nested"
    hooks: tuple[HookEntry, ...] = ()
    elsewhere: tuple[HookFile, ...] = ()
    """Other settings files that contain our hooks and should lose them, recorded or not."""
    blocked: str = ""
    """Why no hooks can be written now, as a clause; empty if nothing prevents it."""

    def wanted(self, script: Path) -> tuple[Hook, ...]:
        """Returns the hooks with their command lines, which run `script`."""
        unit = TIMEOUT_UNITS[self.spec.hooks.timeout_unit]
        return tuple(
            Hook(
                event=hook.event,
                command=hook_command(script.parent, self.spec.id, hook.event),
                name=self.spec.hooks.name,
                matcher=hook.matcher,
                timeout=None if self.form == "plain" else hook.timeout_s * unit,
            )
            for hook in self.hooks
        )

    @property
    def list_entry(self) -> tuple[str, str]:
        """For the form `list`: the name of the list, and the entry."""
        assert self.spec.handoff_entry is not None
        return self.spec.handoff_entry.key, self.spec.handoff_entry.entry


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Our entry in one agent's list of MCP servers."""

    agent: str
    """The agent's id."""
    config: Path
    """Absolute path of the settings file."""
    key: str
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HookDiff:
    """How an agent's settings differ from what they should contain. The three tuples hold events."""

    present: tuple[str, ...]
    missing: tuple[str, ...]
    edited: tuple[str, ...]
    """Our hooks whose command line, matcher or time limit was changed."""


def plan_settings(agents: Sequence[AgentSettings], record: Record, script: Path) -> tuple[Edit, ...]:
    """Plans one edit per settings file: `agents` get their hooks or entry; recorded files that none uses lose ours.

    If an agent's settings cannot be written, our hooks in its other files stay. `script`: the script that hooks run.
    """
    wanted = [agent for agent in agents if agent.hooks or agent.form == "list"]
    puts = [plan(_addition(agent, record, script)) for agent in wanted]
    kept = {os.path.realpath(agent.config) for agent in wanted}
    stuck = {put.change.agent for put in puts if put.reason is not None}
    gone = [file for file in record.files if file.form != "server" and os.path.realpath(file.path) not in kept]
    gone += [
        EditedFile(path=str(file.path), agent=agent.spec.id, script=str(script), form=file.form)
        for agent in wanted
        for file in agent.elsewhere
        if record.of(file.path) is None
    ]
    return (*puts, *(plan(removal(file)) for file in gone if file.agent not in stuck))


def plan_servers(wanted: Sequence[ServerSettings], record: Record) -> tuple[Edit, ...]:
    """Plans one edit per settings file: those of `wanted` get our MCP server, other recorded files lose it."""
    kept = {os.path.realpath(server.config) for server in wanted}
    gone = [file for file in record.files if file.form == "server" and os.path.realpath(file.path) not in kept]
    return (*(plan(_server_addition(server, record)) for server in wanted), *(plan(removal(file)) for file in gone))


def _server_addition(server: ServerSettings, record: Record) -> Change:
    known = record.of(server.config, server=True)
    toml = is_toml(server.config)

    def recorded(before: bytes | None) -> EditedFile:
        origin = server_entry.origin_of(before, server.key, known.origin if known else None, toml=toml)
        folders = known.folders if known else ()
        path = str(server.config)
        return EditedFile(path=path, agent=server.agent, form="server", key=server.key, origin=origin, folders=folders)

    return Change(
        path=server.config,
        what=_what("server", server.agent),
        edit=lambda data: server_entry.with_server(data, server.key, server.entry, toml=toml),
        remedy=_REMEDY,
        recorded=recorded,
        agent=server.agent,
        server=True,
    )


def _server_removal(file: EditedFile) -> Change:
    path = Path(file.path)
    return Change(
        path=path,
        what=_what("server", file.agent),
        edit=lambda data: data and server_entry.without_server(data, file.key, file.origin, toml=is_toml(path)),
        remedy=f'Remove "{server_entry.NAME}" from its "{file.key}" yourself.',
        recorded=lambda _: None,
        agent=file.agent,
        server=True,
        backup=False,
    )


def is_toml(path: Path) -> bool:
    """Whether settings are TOML, and not JSON."""
    return path.suffix == ".toml"


def _what(form: Form, agent: str) -> str:
    kinds = {"list": "entry", "server": "MCP server"}
    return f"{kinds.get(form, 'hooks')} of {agent_name(agent)}"


def removal(file: EditedFile) -> Change:
    """Plans to remove our hooks, our entry or our MCP server from a file."""
    if file.form == "server":
        return _server_removal(file)
    is_list = file.form == "list"

    def edit(data: bytes | None) -> bytes | None:
        if data is None:
            return None
        if is_list:
            return settings_list.without_entry(data, file.key, file.entry, file.origin)
        return settings.without_hooks(data, owner_by_script(Path(file.script)), file.origin, form=file.form)

    remove = f'"{file.entry}" from its "{file.key}"' if is_list else f"the hooks that run {file.script}"
    return Change(
        path=Path(file.path),
        what=_what(file.form, file.agent),
        edit=edit,
        remedy=f"Remove {remove} yourself.",
        recorded=lambda _: None,
        agent=file.agent,
        backup=False,
    )


def compare_hooks(data: bytes | None, agent: AgentSettings, script: Path) -> HookDiff:
    """Compares an agent's settings with what they should contain.

    Raises:
        EditRefused: the settings cannot be read.
    """
    there = () if data is None else settings.hooks_of(data, owner_by_script(script), form=agent.form)
    by_event: dict[str, list[FoundHook]] = {}
    for hook in there:
        if hook.owner != "others":
            by_event.setdefault(hook.hook.event, []).append(hook)
    present: list[str] = []
    missing: list[str] = []
    edited: list[str] = []
    for wanted in agent.wanted(script):
        here = by_event.pop(wanted.event, [])
        state = missing if not here else present if [hook.hook for hook in here] == [wanted] else edited
        state.append(wanted.event)
    return HookDiff(tuple(present), tuple(missing), (*edited, *by_event))


def _addition(agent: AgentSettings, record: Record, script: Path) -> Change:
    known = record.of(agent.config)
    origin = known.origin if known else UNKNOWN
    owner_of = owner_by_script(*sorted({script, *((Path(known.script),) if known else ())}))
    is_list = agent.form == "list"

    def without_former(data: bytes | None) -> bytes | None:
        """Returns the settings without the entry that an earlier version of Carryover put there."""
        if data is None or known is None or known.entry in ("", agent.list_entry[1]):
            return data
        return settings_list.without_entry(data, known.key, known.entry, known.origin)

    def edit(data: bytes | None) -> bytes:
        if agent.blocked:
            raise EditRefused(agent.blocked)
        if is_list:
            return settings_list.with_entry(without_former(data), *agent.list_entry)
        rules = agent.spec.hooks.file_rules
        return settings.with_hooks(data, agent.wanted(script), owner_of, origin, form=agent.form, rules=rules)

    def recorded(before: bytes | None) -> EditedFile:
        base = EditedFile(
            path=str(agent.config), agent=agent.spec.id, form=agent.form, folders=known.folders if known else ()
        )
        former = known.origin if known else None
        if is_list:
            key, entry = agent.list_entry
            origin_of_list = settings_list.origin_of(without_former(before), key, entry, former)
            return replace(base, key=key, entry=entry, origin=origin_of_list)
        return replace(base, script=str(script), origin=settings.origin_of(before, owner_of, former, form=agent.form))

    return Change(
        path=agent.config,
        what=f"{'entry' if is_list else 'hooks'} of {agent.spec.name}",
        edit=edit,
        remedy=_REMEDY,
        recorded=recorded,
        agent=agent.spec.id,
    )
