"""Finds the transcripts to read: those of the selected agents, in the folders that install found and in projects.

What agents keep in projects is found only in known projects, and read only if the user's own agent wrote it.

What changed is found by comparing them with the ledger. The daemon does this when it starts, after anything that may
have lost a hint, and every few minutes as a safety net; commands do it if no daemon is running. Both read the same. If
nothing changed, the cost is one stat per source.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.config import AgentsConfig, Config
from carryover.errors import UserError
from carryover.ledger.batch import LastRead
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects
from carryover.paths import StateDir
from carryover.probe.own_file import AT_WORK, why_not_own

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger

MS_PER_DAY: Final = 86_400_000
MOST_PROJECTS: Final = 500
"""Maximum number of known projects used as roots, newest activity first."""

SourceKey = tuple[str, str]
"""Agent and path, which together identify a source."""


class TranscriptRoot(msgspec.Struct, frozen=True):
    """A folder that holds transcripts of one agent."""

    agent_id: str
    path: Path
    in_project: bool = False
    """Whether it is a project, which contains other things too: only its direct entries and `files` are sources."""
    files: tuple[Path, ...] = ()
    """Sources of a project that are in a subfolder or have another name."""

    @property
    def watched(self) -> tuple[Path, ...]:
        """Returns the folders in which a source may change."""
        return tuple(dict.fromkeys((self.path, *(file.parent for file in self.files))))


class FoundSource(msgspec.Struct, frozen=True):
    """A source on disk. The size is in bytes."""

    source: Source
    size: int
    mtime_ns: int
    project: Path | None = None
    """The project that contains the source and that it is about."""


def key_of(source: Source) -> SourceKey:
    """Returns the identity of a source."""
    return source.agent, source.path


def roots_of(agents: Iterable[Agent], home: Path, env: Mapping[str, str]) -> tuple[TranscriptRoot, ...]:
    """Returns the folders in which agents keep their transcripts now; they need not exist."""
    return tuple(dict.fromkeys(TranscriptRoot(agent.id, path) for agent in agents for path in agent.roots(home, env)))


def recorded_roots(
    agents: Iterable[Agent], tools: AgentsConfig, home: Path, env: Mapping[str, str]
) -> tuple[TranscriptRoot, ...]:
    """Returns `roots_of` plus the folders that install recorded, since the daemon may lack the user's shell variables.

    Includes the folder of kept hook calls of an agent that needs them.
    """
    found: dict[TranscriptRoot, None] = {}
    for agent in agents:
        known = tools.of(agent.id)
        found.update(dict.fromkeys(roots_of([agent], home, {**known.env, **env})))
        found.update(dict.fromkeys(TranscriptRoot(agent.id, Path(root).expanduser()) for root in known.roots))
        if agent.spec.hooks.spooled:
            found[TranscriptRoot(agent.id, StateDir.of(env, home).spool / agent.id)] = None
    return tuple(found)


def roots_to_read(
    agents: Iterable[Agent], config: Config, home: Path, env: Mapping[str, str]
) -> tuple[TranscriptRoot, ...]:
    """Returns the roots to read: none while paused, and only those of the selected agents if there is a selection."""
    return recorded_roots([agent for agent in agents if config.reads(agent.id)], config.agents, home, env)


def roots_in_projects(agents: Iterable[Agent], folders: Iterable[Path]) -> tuple[TranscriptRoot, ...]:
    """Returns, as roots, the projects that contain a source of one of these agents."""
    keeping = [agent for agent in agents if agent.in_projects]
    if not keeping:
        return ()
    roots = []
    for folder in dict.fromkeys(folders):
        for agent in keeping:
            paths = [Path(source.path) for source in agent.sources(folder)]
            if paths:
                files = tuple(path for path in paths if agent.source_of(path, folder) is None)
                roots.append(TranscriptRoot(agent.id, folder, in_project=True, files=files))
    return tuple(roots)


def known_projects(ledger: Path) -> tuple[Path, ...]:
    """Returns the folders of known projects, newest activity first; none if the ledger can't be read. Blocks."""
    try:
        with closing(connect_read_only(ledger)) as db:
            roots = [row.root for row in projects(db)[:MOST_PROJECTS]]
    except (UserError, sqlite3.Error):
        return ()
    return tuple(Path(root) for root in roots if root.startswith("/"))


def first_cwd(agent: Agent, source: Source) -> str | None:
    """Returns the first working folder that a source names within about its first MiB. Blocking."""
    try:
        batch = agent.reader.read(Path(source.path), None)
    except (OSError, ValueError):
        return None
    context = agent.context_type()
    for record in batch.records:
        context, parsed = agent.parse(source, context, record)
        for event in parsed.events:
            if event.cwd is not None:
                return event.cwd
    return None


def find_sources(agents: Mapping[str, Agent], roots: Iterable[TranscriptRoot]) -> list[FoundSource]:
    """Returns every source below `roots`. Blocking. An unreadable folder only hides its own sources."""
    found = []
    for root in roots:
        if not os.access(root.path, os.F_OK):  # most do not exist; asking the agent costs three times as much
            continue
        agent = agents[root.agent_id]
        for source in sources_in(agent, root):
            try:
                stat = agent.reader.stat(Path(source.path))
            except OSError:
                continue
            found.append(FoundSource(source, stat.size, stat.mtime_ns, root.path if root.in_project else None))
    return found


def readable_sources(agents: Mapping[str, Agent], roots: Iterable[TranscriptRoot]) -> list[FoundSource]:
    """Returns the same as `find_sources` without inaccessible roots: for a survey, which reports nothing as gone."""
    found = []
    for root in roots:
        with suppress(OSError):
            found += find_sources(agents, [root])
    return found


def sources_in(agent: Agent, root: TranscriptRoot) -> list[Source]:
    """Returns the sources below a root; in a project, those that the user's own agent wrote. Blocks.

    While git is at work there, that can't be known: the sources are returned, and checked again when they are read.
    """
    if not root.in_project:
        return agent.sources(root.path)
    return [source for source, reason in _with_reasons(agent, root.path) if reason in (None, AT_WORK)]


def others_sources(agent: Agent, root: Path) -> list[tuple[Source, str]]:
    """Returns the sources in a project that are not read, each with the reason as a clause. Blocks."""
    return [(source, reason) for source, reason in _with_reasons(agent, root) if reason is not None]


def _with_reasons(agent: Agent, root: Path) -> Iterator[tuple[Source, str | None]]:
    for source in agent.sources(root):
        with suppress(OSError):
            yield source, why_not_own(agent, root, Path(source.path))


RACY_MS: Final = 3_000
"""A file changed this recently may change again without a new size or time, since coarse clocks tick every 4 to 2000
ms.

Equal stamps do not prove that such a file is unchanged.
"""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The sources on disk, compared with the ledger."""

    seen: list[FoundSource]
    known: Mapping[SourceKey, LastRead]
    outdated: list[FoundSource]
    """The sources in `seen` that need to be read."""
    gone: list[Source]
    """Known sources that no longer exist and are now marked as gone in the ledger."""


async def compare_with_disk(
    ledger: Ledger,
    agents: Mapping[str, Agent],
    roots: Iterable[TranscriptRoot],
    *,
    now_ms: int,
    also_broken: bool = False,
) -> Comparison:
    """Stats every source below `roots`, and marks sources in the ledger that are gone.

    `also_broken`: retry broken sources even if it is too early. Raises LedgerUnavailable and LedgerDamaged.
    """
    import asyncio  # not at the top: a command compares without it

    seen = await asyncio.to_thread(find_sources, agents, roots)
    known = {key: last for key, last in (await ledger.last_reads()).items() if key[0] in agents}
    gone = await asyncio.to_thread(vanished, known, seen)
    for source in gone:
        await ledger.mark_gone(source)
    outdated = changed(seen, known, now_ms=now_ms, also_broken=also_broken)
    return Comparison(seen=seen, known=known, outdated=outdated, gone=gone)


def changed(
    seen: Iterable[FoundSource], states: Mapping[SourceKey, LastRead], *, now_ms: int, also_broken: bool = False
) -> list[FoundSource]:
    """Returns the sources in `seen` whose stat differs from the ledger's, or is too recent to prove anything.

    A broken source counts as changed when its next try is due, or with `also_broken`.
    """
    return [item for item in seen if _may_differ(item, states.get(key_of(item.source)), now_ms, also_broken)]


def reading_order(seen: Iterable[FoundSource], *, now_ms: int, active_days: int) -> list[Source]:
    """Orders sources so that those in use come first: the newest project with its newest file, and so on.

    Files untouched for `active_days` follow in the same order, so that no project's handoff waits for another's old
    history.
    """
    items = list(seen)
    newest_of_group: dict[tuple[str, str], int] = {}
    for item in items:
        group = (item.source.agent, item.source.group)
        newest_of_group[group] = max(newest_of_group.get(group, 0), item.mtime_ns)
    old_before_ns = (now_ms - active_days * MS_PER_DAY) * 1_000_000

    def place(item: FoundSource) -> tuple[bool, int, tuple[str, str], int, str]:
        group = (item.source.agent, item.source.group)
        return (item.mtime_ns < old_before_ns, -newest_of_group[group], group, -item.mtime_ns, item.source.path)

    return [item.source for item in sorted(items, key=place)]


def vanished(states: Mapping[SourceKey, LastRead], seen: Iterable[FoundSource]) -> list[Source]:
    """Returns the sources that the ledger knows and that no longer exist.

    Blocking. A source that was not found is looked up by its path, since its folder may just be unreadable.
    """
    there = {key_of(item.source) for item in seen}
    missing = [key for key, state in states.items() if state.state != "gone" and key not in there]
    return [Source(agent=agent, path=path) for agent, path in missing if not os.path.lexists(path)]


def _may_differ(item: FoundSource, state: LastRead | None, now_ms: int, also_broken: bool) -> bool:
    if state is None or state.state == "gone":
        return True
    if state.state == "broken":
        return also_broken or state.retry_ms <= now_ms
    as_known = (state.size, state.mtime_ns) == (item.size, item.mtime_ns)
    return not as_known or item.mtime_ns // 1_000_000 >= now_ms - RACY_MS
