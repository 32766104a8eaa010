"""The sweep: which sources have changed, told from a glance at each of them alone.

It runs at the start, after anything that may have cost a hint, and now and then as a safety net. Where nothing changed
it costs one glance a source, which for a file is one `stat`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from carryover.agents.contract import Agent, Reader, Source, Stamp
from carryover.config import ToolsConfig
from carryover.ledger.prepared import LastRead
from carryover.readers.jsonl import JsonlReader, stamp_of_file

MS_PER_DAY: Final = 86_400_000

RACY_MS: Final = 3_000
"""A file changed this recently may change again without another size or time (coarse clocks tick in 4 to 2000 ms), so
a look at both cannot tell that it is as it was."""


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


def changed(
    seen: Iterable[Seen], states: Mapping[Key, LastRead], *, now_ms: int, also_broken: bool = False
) -> list[Seen]:
    """Those of `seen` that are not as the ledger knows them, or too recent to tell.

    A broken one counts as changed when it is time for another try, or with `also_broken`.
    """
    return [item for item in seen if _may_differ(item, states.get(key_of(item.source)), now_ms, also_broken)]


def reading_order(seen: Iterable[Seen], *, now_ms: int, active_days: int) -> list[Source]:
    """What is in use first, project by project: the newest project first, and in it the newest file first.

    Files not touched for `active_days` come after all others, in the same order: a project's handoff must not wait for
    another's old history.
    """
    items = list(seen)
    newest_of_group: dict[tuple[str, str], int] = {}
    for item in items:
        group = (item.source.agent, item.source.group)
        newest_of_group[group] = max(newest_of_group.get(group, 0), item.mtime_ns)
    old_before_ns = (now_ms - active_days * MS_PER_DAY) * 1_000_000

    def place(item: Seen) -> tuple[bool, int, tuple[str, str], int, str]:
        group = (item.source.agent, item.source.group)
        return (item.mtime_ns < old_before_ns, -newest_of_group[group], group, -item.mtime_ns, item.source.path)

    return [item.source for item in sorted(items, key=place)]


def vanished(states: Mapping[Key, LastRead], seen: Iterable[Seen]) -> list[Source]:
    """The sources that the ledger knows and that are no longer there.

    Blocking: one that was not seen is looked for, for it may just be that its folder cannot be read now.
    """
    there = {key_of(item.source) for item in seen}
    missing = [key for key, state in states.items() if state.state != "gone" and key not in there]
    return [Source(agent=agent, path=path) for agent, path in missing if not os.path.lexists(path)]


def _may_differ(item: Seen, state: LastRead | None, now_ms: int, also_broken: bool) -> bool:
    if state is None or state.state == "gone":
        return True
    if state.state == "broken":
        return also_broken or state.retry_ms <= now_ms
    as_known = (state.size, state.mtime_ns) == (item.size, item.mtime_ns)
    return not as_known or item.mtime_ns // 1_000_000 >= now_ms - RACY_MS
