"""Plans the edits that put the handoff into a list of agents' settings, and those that take it out again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from carryover.agents import agent_names
from carryover.edits.hooks import Origin
from carryover.edits.plan import Change, Edit, plan
from carryover.edits.record import EditedFile, Record
from carryover.edits.settings_list import has_entry, origin_of, with_entry, without_entry

_INSTALL_REMEDY: Final = "Fix that, then run `carryover refresh`."
_UNINSTALL_REMEDY: Final = 'Remove "{entry}" from its "{key}" yourself.'


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """The entry that one agent's settings should hold; `config` is their absolute path."""

    agent: str
    name: str
    """As people know it: `Claude Code`."""
    config: Path
    key: str
    entry: str


def plan_entries(agents: Sequence[AgentEntry], record: Record) -> tuple[Edit, ...]:
    """One edit per settings file: `agents` get their entry, and recorded files that no agent uses any more lose theirs.

    Where the entry cannot be written, one that is in another file of the agent stays.
    """
    puts = [plan(_entry_change(agent, record)) for agent in agents]
    kept = {os.path.realpath(agent.config) for agent in agents}
    stuck = {put.change.agent for put in puts if put.reason is not None}
    gone = [file for file in record.files if file.form == "list" and os.path.realpath(file.path) not in kept]
    return (*puts, *(plan(entry_removal(file)) for file in gone if file.agent not in stuck))


def entry_removal(file: EditedFile) -> Change:
    """The change that takes our entry out of a file again."""
    return Change(
        path=Path(file.path),
        what=f"entry of {agent_names().get(file.agent, file.agent)}",
        edit=partial(_without, key=file.key, entry=file.entry, origin=file.origin),
        remedy=_UNINSTALL_REMEDY.format(entry=file.entry, key=file.key),
        recorded=_forget,
        agent=file.agent,
        backup=False,
    )


def holds_entry(data: bytes | None, agent: AgentEntry) -> bool:
    """Whether an agent's settings hold the entry.

    Raises:
        EditRefused: the settings cannot be read.
    """
    return data is not None and has_entry(data, agent.key, agent.entry)


def _entry_change(agent: AgentEntry, record: Record) -> Change:
    known = record.of(agent.config)
    return Change(
        path=agent.config,
        what=f"entry of {agent.name}",
        edit=lambda data: with_entry(data, agent.key, agent.entry),
        remedy=_INSTALL_REMEDY,
        recorded=partial(_recorded, agent=agent, known=known),
        agent=agent.agent,
    )


def _recorded(before: bytes | None, *, agent: AgentEntry, known: EditedFile | None) -> EditedFile:
    return EditedFile(
        path=str(agent.config),
        agent=agent.agent,
        form="list",
        key=agent.key,
        entry=agent.entry,
        origin=origin_of(before, agent.key, agent.entry, known.origin if known else None),
        folders=known.folders if known else (),
    )


def _without(data: bytes | None, *, key: str, entry: str, origin: Origin) -> bytes | None:
    return None if data is None else without_entry(data, key, entry, origin)


def _forget(before: bytes | None) -> None:
    """The record of a file without our entry: none."""
