"""What agents left on disk, as far as it is to be read: the selected agents, where install found them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Reader, Source, Stamp
from carryover.config import Config, ToolsConfig
from carryover.readers.jsonl import JsonlReader, stamp_of_file

MS_PER_DAY: Final = 86_400_000

Key = tuple[str, str]
"""Agent and path: what makes a source one and the same."""


class Root(msgspec.Struct, frozen=True):
    """A folder that holds transcripts of one agent."""

    agent_id: str
    path: Path


class Seen(msgspec.Struct, frozen=True):
    """A source as it is on the disk."""

    source: Source
    size: int
    mtime_ns: int


def key_of(source: Source) -> Key:
    return source.agent, source.path


def roots_of(agents: Iterable[Agent], home: Path, env: Mapping[str, str]) -> tuple[Root, ...]:
    """Where to look, as things are now; the folders need not exist."""
    return tuple(dict.fromkeys(Root(agent.id, path) for agent in agents for path in agent.roots(home, env)))


def recorded_roots(agents: Iterable[Agent], tools: ToolsConfig, home: Path, env: Mapping[str, str]) -> tuple[Root, ...]:
    """As `roots_of`, and where install found the transcripts: the daemon may lack the variables of the user's shell."""
    found: dict[Root, None] = {}
    for agent in agents:
        known = tools.of(agent.id)
        found.update(dict.fromkeys(roots_of([agent], home, {**known.env, **env})))
        found.update(dict.fromkeys(Root(agent.id, Path(root).expanduser()) for root in known.roots))
    return tuple(found)


def roots_to_read(agents: Iterable[Agent], config: Config, home: Path, env: Mapping[str, str]) -> tuple[Root, ...]:
    """Those of the agents that are to be read: none while paused, and where agents were selected only these."""
    return recorded_roots([agent for agent in agents if config.reads(agent.id)], config.tools, home, env)


def look(agents: Mapping[str, Agent], roots: Iterable[Root]) -> list[Seen]:
    """Every source below `roots`. Blocking. A folder that cannot be read hides its sources, nothing else."""
    found = []
    for root in roots:
        agent = agents[root.agent_id]
        stamp_of = _glance(agent.reader)
        for source in agent.sources(root.path):
            try:
                stamp = stamp_of(source.path)
            except OSError:
                continue
            found.append(Seen(source, stamp.size, stamp.mtime_ns))
    return found


def _glance(reader: Reader) -> Callable[[str], Stamp]:
    """What `reader` tells of the source at a path."""
    if type(reader) is JsonlReader:
        return stamp_of_file  # making a Path would cost as much again as the glance, for thousands of files
    return lambda path: reader.stamp(Path(path))
