"""Finds the transcripts to read, in the folders of the selected agents and in known projects, and compares them with
the ledger. The daemon does this, and commands if none is running: both read the same. If nothing changed, the cost is
one stat per source.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.config import Config
from carryover.errors import UserError
from carryover.facts import FindRoot
from carryover.ingest.roots import TranscriptRoot, recorded_roots
from carryover.ledger.batch import LastRead
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects
from carryover.probe.checkout import Checkout
from carryover.probe.looks import look_at_each
from carryover.probe.own_file import AT_WORK, why_not_own
from carryover.transcript.bounds import read_bounded
from carryover.transcript.sources import sources_of

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger

MOST_PROJECTS: Final = 500
"""Maximum number of known projects used as roots, newest activity first."""
SourceKey = tuple[str, str]
"""Agent and path, which together identify a source."""


class FoundSource(msgspec.Struct, frozen=True, gc=False):
    """A source on disk, its size in bytes, and the project that contains it and that it is about."""

    source: Source
    size: int
    mtime_ns: int
    project: Path | None = None


def key_of(source: Source) -> SourceKey:
    """Returns the identity of a source."""
    return source.agent, source.path


SourceGroup = tuple[str, str]
"""Agent, and the group of its sources that are likely to be of one project; a source without a group is one by itself.
"""
MOST_PLACES: Final = 200
"""How many sources are looked into, at about 2 ms each, before all are put in order."""


def place_of(item: FoundSource) -> SourceGroup:
    """Returns the place of a source."""
    return item.source.agent, item.source.group or item.source.path


def roots_to_read(
    agents: Iterable[Agent], config: Config, home: Path, env: Mapping[str, str]
) -> tuple[TranscriptRoot, ...]:
    """Returns the roots to read: none while paused, and only those of the selected agents if there is a selection."""
    return recorded_roots([agent.spec for agent in agents if config.reads(agent.id)], config.agents, home, env)


def roots_in_projects(agents: Iterable[Agent], folders: Iterable[Path]) -> tuple[TranscriptRoot, ...]:
    """Returns, as roots, the projects that contain a source of one of these agents."""
    keeping = [agent for agent in agents if agent.in_projects]
    found = look_at_each(dict.fromkeys(folders), lambda folder: list(_roots_in(folder, keeping)))
    return tuple(root for _, roots in found for root in roots)


def _roots_in(folder: Path, agents: Iterable[Agent]) -> Iterator[TranscriptRoot]:
    for agent in agents:
        files = tuple(Path(source.path) for source in sources_of(agent, folder))
        if files:
            yield TranscriptRoot(agent.id, folder, in_project=True, files=files)


def known_projects(ledger: Path) -> tuple[Path, ...]:
    """Returns the folders of known projects, newest activity first; none if the ledger can't be read. Blocks."""
    roots: list[str] = []
    with suppress(UserError, sqlite3.Error), closing(connect_read_only(ledger)) as db:
        roots = [row.root for row in projects(db)[:MOST_PROJECTS]]
    return tuple(Path(root) for root in roots if root.startswith("/"))


def first_cwd(agent: Agent, source: Source) -> str | None:
    """Returns the first working folder that a source names within about its first MiB. Blocking."""
    try:
        batch = read_bounded(agent.reader, Path(source.path), None)
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
    """Returns every readable source below `roots`; in a project, those that the user's own agent wrote. Blocks."""
    found = look_at_each(roots, lambda root: list(_sources_in(agents[root.agent_id], root)), at=lambda root: root.path)
    return [source for _, sources in found for source in sources]


def _sources_in(agent: Agent, root: TranscriptRoot) -> Iterator[FoundSource]:
    if not os.access(root.path, os.F_OK):  # most do not exist; asking the agent costs three times as much
        return
    if root.in_project:
        # While git is at work there, a source may still be the user's own; that is checked again when it is read.
        each = _with_reasons(agent, root.path)
        sources = [source for source, reason in each if reason in (None, AT_WORK)]
    else:
        sources = sources_of(agent, root.path)
    for source in sources:
        with suppress(OSError):
            stat = agent.reader.stat(Path(source.path))
            yield FoundSource(source, stat.size, stat.mtime_ns, root.path if root.in_project else None)


def others_sources(agent: Agent, root: Path) -> list[tuple[Source, str]]:
    """Returns the sources in a project that are not read, each with the reason as a clause. Blocks."""
    return [(source, reason) for source, reason in _with_reasons(agent, root) if reason is not None]


def _with_reasons(agent: Agent, root: Path) -> Iterator[tuple[Source, str | None]]:
    checkout = Checkout(root)
    for source in sources_of(agent, root):
        with suppress(OSError):
            yield source, why_not_own(agent, checkout, Path(source.path))


LAST_RETRY_MS: Final = 3_600_000
"""The longest time after which a broken source is tried again."""
RACY_MS: Final = 3_000
"""A file changed this recently may change again without a new size or time: coarse clocks tick every 4 to 2000 ms."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The sources on disk, those in `seen` that need to be read, those of them that never were, and known ones that no
    longer exist."""

    seen: list[FoundSource]
    outdated: list[FoundSource]
    new: list[FoundSource]
    gone: list[Source]


async def compare_with_disk(
    ledger: Ledger,
    agents: Mapping[str, Agent],
    roots: Iterable[TranscriptRoot],
    *,
    now_ms: int,
    also_broken: bool,
) -> Comparison:
    """Stats every source below `roots`; marks gone ones in the ledger. Raises LedgerUnavailable and LedgerDamaged."""
    import asyncio  # not at the top: a command compares without it

    seen = await asyncio.to_thread(find_sources, agents, roots)
    known = await ledger.last_reads()
    gone = await asyncio.to_thread(vanished, known, seen, agents)
    for source in gone:
        await ledger.mark_gone(source)
    outdated = changed(seen, known, now_ms=now_ms, also_broken=also_broken)
    new = [item for item in outdated if key_of(item.source) not in known]
    return Comparison(seen=seen, outdated=outdated, new=new, gone=gone)


def changed(
    seen: Iterable[FoundSource], states: Mapping[SourceKey, LastRead], *, now_ms: int, also_broken: bool = False
) -> list[FoundSource]:
    """Returns the sources whose stat differs from the ledger's or is too recent, and the broken ones that are due.

    `also_broken`: all broken ones, but for those that were too large and have not changed.
    """

    def may_differ(item: FoundSource) -> bool:
        state = states.get(key_of(item.source))
        if state is None or state.state == "gone":
            return True
        as_known = (state.size, state.mtime_ns) == (item.size, item.mtime_ns)
        if state.state == "broken":
            waits = now_ms < state.retry_ms <= now_ms + LAST_RETRY_MS  # a longer wait began before the clock went back
            return not waits or (also_broken and not as_known)
        return not as_known or item.mtime_ns // 1_000_000 >= now_ms - RACY_MS

    return [item for item in seen if may_differ(item)]


def reading_order(seen: Iterable[FoundSource], folders: Mapping[SourceGroup, str], *, since_ms: int) -> list[Source]:
    """Orders sources: those of the newest project, whichever agents wrote them, newest first, and so on, then files
    untouched since `since_ms` (UTC ms). Several of one thread take the newest one's place, oldest first.

    `folders`: the project of each place, or "" where it is not known; then the place is taken for a project of its own.
    """
    by_age = sorted(seen, key=_age)
    leads = {_thread_of(item.source): item for item in by_age}  # the newest of each

    def project_of(lead: FoundSource) -> SourceGroup:
        place = place_of(lead)
        return ("", root) if (root := folders.get(place)) else place

    newest = {project_of(item): item.mtime_ns for item in sorted(leads.values(), key=_age)}

    def rank(item: FoundSource) -> tuple[bool, int, SourceGroup, int, str]:
        lead = leads[_thread_of(item.source)]
        project = project_of(lead)
        return (lead.mtime_ns < since_ms * 1_000_000, -newest[project], project, -lead.mtime_ns, lead.source.path)

    return [item.source for item in sorted(by_age, key=rank)]


def newest_thread(seen: Iterable[FoundSource]) -> list[Source]:
    """Returns the sources of the newest thread, oldest first."""
    by_age = sorted(seen, key=_age)
    return [item.source for item in by_age if _thread_of(item.source) == _thread_of(by_age[-1].source)]


def by_thread(newest_first: Iterable[Source]) -> list[Source]:
    """Returns the sources with those of one thread together, oldest first, where its newest one is."""
    threads: dict[tuple[str, ...], list[Source]] = {}
    for source in newest_first:
        threads.setdefault(_thread_of(source), []).insert(0, source)
    return [source for thread in threads.values() for source in thread]


def _age(item: FoundSource) -> tuple[int, str]:
    return item.mtime_ns, item.source.path


def _thread_of(source: Source) -> tuple[str, ...]:
    """Returns the same for two sources that are known to be of one thread: each continues the one before."""
    named = (source.session, source.subagent_id or "") if source.session is not None else (source.path,)
    return (source.agent, *named)


def projects_of_places(
    agents: Mapping[str, Agent], seen: Iterable[FoundSource], root_of: FindRoot, *, since_ms: int
) -> dict[SourceGroup, str]:
    """Returns the project of each place with a source changed since `since_ms` (UTC ms), as its newest source names it;
    "" if that names none or is a store of many sessions.

    For the order of reading alone, so no more than the newest `MOST_PLACES` are looked into. Blocks.
    """
    newest: dict[SourceGroup, FoundSource] = {}
    for item in sorted(seen, key=lambda item: (-item.mtime_ns, item.source.path)):
        if item.mtime_ns >= since_ms * 1_000_000:
            newest.setdefault(place_of(item), item)

    def project(item: FoundSource) -> str:
        if item.project is not None:
            return str(item.project)
        if not (item.source.session or item.source.group):
            return ""
        # Whatever is wrong with it is found out, and said, when it is read.
        with suppress(Exception):
            cwd = first_cwd(agents[item.source.agent], item.source)
            return root_of(cwd).root if cwd is not None else ""
        return ""

    looked_into = list(newest.values())[:MOST_PLACES]
    found = look_at_each(looked_into, project, at=lambda item: Path(item.source.path).parent)
    return {place_of(item): root for item, root in found}


def vanished(states: Mapping[SourceKey, LastRead], seen: Iterable[FoundSource], agents: Container[str]) -> list[Source]:
    """Returns the sources of `agents` that the ledger knows and that no longer exist. Blocks."""
    there = {key_of(item.source) for item in seen}
    missing = [
        Source(agent=agent, path=path)
        for (agent, path), state in states.items()
        if state.state != "gone" and (agent, path) not in there and agent in agents
    ]
    # By its path, since the folder of a source that was not found may just be unreadable.
    found = look_at_each(
        missing, lambda source: os.path.lexists(source.path), at=lambda source: Path(source.path).parent
    )
    return [source for source, exists in found if not exists]
