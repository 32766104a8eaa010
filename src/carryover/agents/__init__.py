"""The agents that Carryover knows. Each has its own folder here, named by its id with `_` for `-`:

    spec.py      SPEC, an AgentSpec: data only, which any command may load
    adapter.py   AGENT, an Agent: how its transcripts are read and its hooks understood

Folders are found, not listed: nothing outside an agent's folder names it. A folder elsewhere is found as well once its
parent is appended to `carryover.agents.__path__`, as tests do. Nothing is loaded before it is needed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carryover.adapter.contract import Agent
    from carryover.adapter.spec import AgentSpec, InstructionFile, ReadList


def adapters() -> dict[str, Agent]:
    """Returns the agents that Carryover can read, by id, in the order of their ids."""
    return _adapters(tuple(__path__))


def specs() -> tuple[AgentSpec, ...]:
    """Returns how each agent is found on a machine, in the order of their ids."""
    return _specs(tuple(__path__))


def agent_ids() -> tuple[str, ...]:
    """Returns the ids of all agents, in the order of `specs`, of which it loads none."""
    return tuple(folder.replace("_", "-") for folder in _folders(tuple(__path__)))


def agent_names() -> Mapping[str, str]:
    """Returns the names people know the agents by, by id, in the order of `specs`."""
    return {spec.id: spec.short_name or spec.name for spec in specs()}


def startable_agents(selected: Collection[str] | None) -> tuple[str, ...]:
    """Returns the ids of the agents that can be started with a first prompt; of the `selected` ones, if not None."""
    return tuple(spec.id for spec in specs() if spec.start is not None and (selected is None or spec.id in selected))


def instruction_files() -> dict[str, dict[str, InstructionFile]]:
    """Returns the files in a project that agents read by themselves: by name, then by the id of each agent that does.

    AGENTS.md, which many share, comes first.
    """
    found: dict[str, dict[str, InstructionFile]] = {}
    for spec in specs():
        for file in spec.instructions:
            found.setdefault(file.name, {})[spec.id] = file
    return dict(sorted(found.items(), key=lambda item: item[0] != "AGENTS.md"))


def read_lists() -> tuple[ReadList, ...]:
    """Returns the lists in projects' settings of files that agents put before the model."""
    return tuple(spec.read_list for spec in specs() if spec.read_list is not None)


def agent_id_of(name: str) -> str | None:
    """Returns the id of the agent that a hook names, by its id or an alias in any case; None for an unknown name."""
    name = name.lower()
    return next((spec.id for spec in specs() if name in (spec.id, *spec.aliases)), None)


@cache
def _folders(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path) if module.ispkg))


@cache
def _adapters(path: tuple[str, ...]) -> dict[str, Agent]:
    found: list[Agent] = [import_module(f"{__name__}.{folder}.adapter").AGENT for folder in _folders(path)]
    return {agent.id: agent for agent in found}


@cache
def _specs(path: tuple[str, ...]) -> tuple[AgentSpec, ...]:
    return tuple(import_module(f"{__name__}.{folder}.spec").SPEC for folder in _folders(path))
