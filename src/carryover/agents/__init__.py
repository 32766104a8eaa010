"""The agents that Carryover knows. Each has its own folder here, named by its id with `_` for `-`:

    __init__.py  SPEC, an AgentSpec: data only, which any command may load
    adapter.py   AGENT, an Agent: reads its transcripts and its hooks

Folders are discovered, not listed: nothing outside an agent's folder names it. A folder elsewhere is found too if its
parent is in `carryover.agents.__path__` before any is looked for, as in tests. Other packages bring agents by an entry
point (`carryover.packages`): one that can't be loaded is left out, and `left_out` says why. Nothing is loaded until it
is needed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from carryover.packages import OWN, PackagePlace, entry_points

if TYPE_CHECKING:
    from carryover.adapter.contract import Agent
    from carryover.adapter.spec import AgentSpec, InstructionFile, LocalFile
    from carryover.text.yaml_list import YamlList

_T = TypeVar("_T")


@cache
def adapters() -> dict[str, Agent]:
    """Returns every agent's adapter, by id and in the order of the ids."""
    loaded = map(_guarded, _places().values())
    return {agent.id: agent for agent in loaded if not isinstance(agent, str)}


def adapter(agent_id: str) -> Agent:
    """Returns one agent's adapter without loading any other. Raises KeyError for an unknown id."""
    agent = _guarded(_places()[agent_id])
    if isinstance(agent, str):
        raise KeyError(agent_id)
    return agent


@cache
def specs() -> tuple[AgentSpec, ...]:
    """Returns the spec of every agent, in the order of the ids."""
    return tuple(spec for spec in map(_spec, _places().values()) if not isinstance(spec, str))


def agent_ids() -> tuple[str, ...]:
    """Returns the ids of all agents in the order of `specs`, without loading any: also of those that can't be."""
    return tuple(_places())


def places() -> tuple[PackagePlace, ...]:
    """Returns where each agent is, in the order of the ids, without loading any: also those that can't be."""
    return tuple(_places().values())


def left_out() -> dict[PackagePlace, str]:
    """Returns the agents of other packages that do not count, with the reason for each. Loads all of theirs.

    One that has failed in this process is among them, though it counts as far as it goes.
    """
    found: dict[PackagePlace, str] = {}
    for place in (each for each in _packaged() if not each.is_ours):
        known = _places()[place.id]
        if place != known:
            found[place] = f"{known.package} has an agent of that name"
        elif reason := next((each for each in _reasons(place) if isinstance(each, str)), ""):
            found[place] = reason
    return found


def agent_at(place: PackagePlace) -> Agent | str:
    """Returns the agent of a place, whatever it raises when it is used; the reason if it can't be loaded."""
    from carryover.adapter.contract import Agent

    return _loaded(place, f"{place.module}.adapter", "AGENT", Agent)


def agent_names() -> Mapping[str, str]:
    """Returns the agents' display names by id, in the order of `specs`."""
    return {spec.id: _shown(spec) for spec in specs()}


def agent_name(agent_id: str, machine: str | None = None) -> str:
    """Returns an agent's display name, or its id if it is unknown; with the name of the other machine that it ran on,
    if any.
    """
    name = _name(agent_id) or agent_id
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


def read_lists() -> dict[str, YamlList]:
    """Returns the settings in projects that list files for the model to read first, by agent id."""
    from carryover.text.yaml_list import YamlList

    return {spec.id: spec.local_file for spec in specs() if isinstance(spec.local_file, YamlList)}


def local_files() -> dict[str, LocalFile]:
    """Returns the project files that one agent alone reads and that are made to be hidden from git, by agent id."""
    from carryover.adapter.spec import LocalFile

    return {spec.id: spec.local_file for spec in specs() if isinstance(spec.local_file, LocalFile)}


def agent_id_of(name: str) -> str | None:
    """Returns the id of the agent that a hook or a user names by id or alias, in any case; None for an unknown name."""
    name = name.lower()
    return next((spec.id for spec in specs() if name in (spec.id, *spec.aliases)), None)


def _shown(spec: AgentSpec) -> str:
    return spec.short_name or spec.name


@cache
def _name(agent_id: str) -> str | None:
    """Returns the agent's name without loading any other agent's spec; None if there is no such agent."""
    place = _places().get(agent_id)
    spec = _spec(place) if place is not None else ""
    return None if isinstance(spec, str) else _shown(spec)


@cache
def _packaged() -> tuple[PackagePlace, ...]:
    return tuple(entry_points())


@cache
def _places() -> dict[str, PackagePlace]:
    names = sorted(name for folder in __path__ for name in _packages_in(folder))
    ours = (PackagePlace(name.replace("_", "-"), f"{__name__}.{name}", OWN) for name in names)
    found = {place.id: place for place in reversed((*ours, *_packaged()))}
    return dict(sorted(found.items()))


def _packages_in(folder: str) -> Iterator[str]:
    # Not by `pkgutil`, which every command would import for this, and which lists each of the folders.
    with suppress(OSError):
        names = os.listdir(folder)  # noqa: PTH208 (no Path objects: most commands ask for this)
        yield from (name for name in names if os.path.isfile(f"{folder}/{name}/__init__.py"))  # noqa: PTH113


def _spec(place: PackagePlace) -> AgentSpec | str:
    from carryover.adapter.spec import AgentSpec

    return _loaded(place, place.module, "SPEC", AgentSpec)


def _guarded(place: PackagePlace) -> Agent | str:
    """Returns an agent; one of another package without what it raises."""
    agent = agent_at(place)
    if place.is_ours or isinstance(agent, str):
        return agent
    from carryover.agents.guarded import guarded

    return guarded(agent)


def _reasons(place: PackagePlace) -> Iterator[object]:
    from carryover.agents.guarded import raised

    yield from (_spec(place), agent_at(place), raised.get(place.id))


def _loaded(place: PackagePlace, module: str, name: str, kind: type[_T]) -> _T | str:
    """Returns what a module of an agent exports; if another package's can't be loaded, the reason in one line."""
    try:
        found = getattr(import_module(module), name)
    except (Exception, SystemExit) as error:
        if place.is_ours:
            raise
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    if not isinstance(found, kind) or getattr(found, "id", None) != place.id:
        return f"{module}.{name} is no {kind.__name__} of {place.id}"
    return found
