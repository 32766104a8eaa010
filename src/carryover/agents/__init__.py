"""The agents that Carryover knows. Each has its own folder here, named by its id with `_` for `-`:

    spec.py      SPEC, an AgentSpec: data only, which any command may load
    adapter.py   AGENT, an Agent: reads its transcripts and its hooks

Folders are discovered, not listed: nothing outside an agent's folder names it. A folder elsewhere is found too once its
parent is appended to `carryover.agents.__path__`, as tests do. Nothing is loaded until it is needed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carryover.adapter.contract import Agent
    from carryover.adapter.spec import AgentSpec, InstructionFile, LocalFile, ReadList


def adapters() -> dict[str, Agent]:
    """Returns every agent's adapter, by id and in the order of the ids."""
    return _adapters(tuple(__path__))


def specs() -> tuple[AgentSpec, ...]:
    """Returns the spec of every agent, in the order of the ids."""
    return _specs(tuple(__path__))


def agent_ids() -> tuple[str, ...]:
    """Returns the ids of all agents in the order of `specs`, without loading any spec."""
    return tuple(folder.replace("_", "-") for folder in _folders(tuple(__path__)))


def agent_names() -> Mapping[str, str]:
    """Returns the agents' display names by id, in the order of `specs`."""
    return {spec.id: _shown(spec) for spec in specs()}


def agent_name(agent_id: str, machine: str | None = None) -> str:
    """Returns an agent's display name, or its id if it is unknown; with the name of the other machine that it ran on,
    if any.
    """
    name = _name(tuple(__path__), agent_id) or agent_id
    return f"{name} on {machine}" if machine else name


def startable_agents(selected: Collection[str] | None) -> tuple[str, ...]:
    """Returns the ids of the agents that can be started with a first prompt.

    None for `selected` means all agents; otherwise only selected ones are returned.
    """
    return tuple(spec.id for spec in specs() if spec.start is not None and (selected is None or spec.id in selected))


def instruction_files() -> dict[str, dict[str, InstructionFile]]:
    """Returns the project files that agents read unprompted, by file name and then by agent id.

    AGENTS.md, which many agents share, comes first.
    """
    found: dict[str, dict[str, InstructionFile]] = {}
    for spec in specs():
        for file in spec.instructions:
            found.setdefault(file.name, {})[spec.id] = file
    return dict(sorted(found.items(), key=lambda item: item[0] != "AGENTS.md"))


def read_lists() -> tuple[ReadList, ...]:
    """Returns the settings in projects that list files for the model to read first."""
    return tuple(spec.read_list for spec in specs() if spec.read_list is not None)


def local_files() -> dict[str, LocalFile]:
    """Returns the project files that one agent alone reads and that are made to be hidden from git, by agent id."""
    return {spec.id: spec.local_file for spec in specs() if spec.local_file is not None}


def agent_id_of(name: str) -> str | None:
    """Returns the id of the agent that a hook names by id or alias, in any case; None for an unknown name."""
    name = name.lower()
    return next((spec.id for spec in specs() if name in (spec.id, *spec.aliases)), None)


def _shown(spec: AgentSpec) -> str:
    return spec.short_name or spec.name


@cache
def _name(path: tuple[str, ...], agent_id: str) -> str | None:
    """Returns the agent's name without loading any other agent's spec; None if there is no such agent."""
    folder = agent_id.replace("-", "_")
    return _shown(_spec(folder)) if folder in _folders(path) else None


def _spec(folder: str) -> AgentSpec:
    spec: AgentSpec = import_module(f"{__name__}.{folder}.spec").SPEC
    return spec


@cache
def _folders(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path) if module.ispkg))


@cache
def _adapters(path: tuple[str, ...]) -> dict[str, Agent]:
    found: list[Agent] = [import_module(f"{__name__}.{folder}.adapter").AGENT for folder in _folders(path)]
    return {agent.id: agent for agent in found}


@cache
def _specs(path: tuple[str, ...]) -> tuple[AgentSpec, ...]:
    return tuple(_spec(folder) for folder in _folders(path))
