"""Reads what the agents left on disk, without a daemon: into the ledger there is, or into a temporary one.

What is read is what a daemon would read (`carryover.ingest.catch_up`), as far as the command needs it.

Importing this costs the daemon's dependencies, so commands import it only when the ledger alone will not do.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.cli.context import agents_own, root_of
from carryover.cli.output import Progress
from carryover.config import Config, load_config, settings_now
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import ExitCode, UserError, os_reason
from carryover.facts import FindRoot
from carryover.fsio import FileLock
from carryover.ingest.catch_up import compare_with_disk
from carryover.ingest.in_projects import known_projects, roots_in_projects
from carryover.ingest.pipeline import ingest
from carryover.ingest.scan import FoundSource, TranscriptRoot, find_sources, roots_to_read
from carryover.ingest.spool import Spool, collect_pending
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.queries import Whereabouts, connect_read_only, whereabouts
from carryover.ledger.store import Ledger
from carryover.ledger.tombstones import Tombstones, stored_tombstones
from carryover.model import conversation_of
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.publish.project_moves import follow, inspect_root

SLOW_S: Final = 1.0
"""Reading that takes longer than this shows, on a terminal, how far it has come."""


def sources_on_disk(config: Config, projects: Iterable[Path] = ()) -> list[FoundSource]:
    """Every transcript that is to be read, oldest first, so that what a fork copied is read where it was said.

    With those that agents keep in `projects` themselves.

    Raises UserError (REFUSED) while paused: nothing is to be read then.
    """
    if config.paused:
        raise UserError(
            "Carryover is paused, so no transcript is read, and nothing is recorded of what you asked for. "
            "`carryover unpause` ends the pause.",
            ExitCode.REFUSED,
        )
    return _oldest_first(find_sources(adapters(), (*_roots(config), *_in_projects(config, projects))))


def of_project(seen: Iterable[FoundSource], roots: Collection[str]) -> list[Source]:
    """The sources whose session worked in the project that has or had these `roots`, judged by the first records.

    Sub-agents go with their session.

    A database that holds many sessions goes with every project.
    """
    items = list(seen)
    agents = adapters()
    known: dict[str, str | None] = {}
    sessions: set[tuple[str, str]] = set()
    chosen: set[str] = set()
    for item in items:
        if item.project is not None:
            if str(item.project) in roots:
                chosen.add(item.source.path)
            continue
        if _holds_many(item.source):
            chosen.add(item.source.path)
            continue
        cwd = first_cwd(agents[item.source.agent], item.source)
        if cwd is not None and known.setdefault(cwd, root_of(cwd).root) in roots:
            chosen.add(item.source.path)
            if item.source.session is not None and item.source.subagent_id is None:
                sessions.add((item.source.agent, item.source.session))
    return [
        item.source
        for item in items
        if item.source.path in chosen or (item.source.agent, item.source.session) in sessions
    ]


def of_session(seen: Iterable[FoundSource], prefix: str) -> list[Source]:
    """The sources whose path names a session that begins with `prefix`, in any case; if none, those that hold many."""
    items = [item.source for item in seen]
    asked = conversation_of(prefix).lower()
    named = [source for source in items if source.session is not None and source.session.lower().startswith(asked)]
    return named or [source for source in items if _holds_many(source)]


def tombstones_of(state: StateDir) -> Tombstones | None:
    """What the user's ledger has forgotten; None without a ledger. Raises UserError: it cannot be read."""
    if not state.ledger.exists():
        return None
    with closing(connect_read_only(state.ledger)) as db:
        return stored_tombstones(db)


def _now_ms() -> int:
    return int(time.time() * 1000)


@contextmanager
def temporary_ledger(
    sources: Iterable[Source],
    agents: Mapping[str, Agent],
    *,
    now_ms: Callable[[], int] = _now_ms,
    tombstones: Tombstones | None = None,
    find_root: FindRoot = root_of,
) -> Iterator[sqlite3.Connection]:
    """A ledger of `sources` alone, which is gone when the block ends.

    Nothing in it is later than `now_ms`, or what `tombstones` exclude. `find_root` says which project a folder is in.
    """
    with TemporaryDirectory(prefix="carryover-") as folder:
        path = Path(folder) / "ledger.sqlite"
        asyncio.run(_read_into(path, list(sources), agents, now_ms, tombstones, find_root))
        connection = connect_read_only(path)
        try:
            yield connection
        finally:
            connection.close()


def catch_up(state: StateDir, root: str) -> str | None:
    """Reads what is new of the project at `root` into the ledger, as a daemon would; returns why not if it cannot."""
    lock = FileLock(state.lock)
    try:
        if not lock.acquire():
            return "Another process is using the ledger."
    except OSError as error:
        return f"The lock {state.lock} cannot be taken: {os_reason(error)}."
    try:
        asyncio.run(_catch_up(state, root))
    except LedgerUnavailable as trouble:
        return str(trouble)
    finally:
        lock.release()
    return None


async def _catch_up(state: StateDir, root: str) -> None:
    ledger = await Ledger.open(state.ledger, DigestReducer())
    try:
        config = settings_now(state)
        folders = _roots(config)
        await asyncio.to_thread(collect_pending, Spool(state), adapters(), [folder.agent_id for folder in folders])
        here = _in_projects(config, (Path(root), *known_projects(state.ledger)))
        found = await compare_with_disk(ledger, adapters(), (*folders, *here), now_ms=_now_ms(), also_broken=True)
        roots = await follow_here(ledger, state, root)
        sources = of_project(_oldest_first(found.outdated), roots)
        await _read(ledger, sources, adapters(), _now_ms, root_of)
        # Once more: what was read just now is to be known by its folder, should that be moved.
        await follow_here(ledger, state, root)
    finally:
        await ledger.close()


async def follow_here(ledger: Ledger, state: StateDir, root: str) -> frozenset[str]:
    """Find what was recorded of the project at `root` before it was moved; the roots that it had, and has."""
    paths, project = place_of(state), root_of(root)
    seen = inspect_root(paths, project.root, load_config(state.config))
    await follow(ledger, paths, project, seen, now_ms=_now_ms())
    with closing(connect_read_only(state.ledger)) as db:
        known = {row.id: row for row in whereabouts(db)}
    roots = {project.root}
    while more := {row.root for row in known.values() if _target(row, known) in roots} - roots:
        roots |= more
    return frozenset(roots)


def place_of(state: StateDir) -> StatePaths:
    """Where everything is that linking needs. Raises UserError where the settings can't be read."""
    own = agents_own(load_config(state.config).agents)
    return StatePaths.of(state, Path.home(), own)


async def _read_into(
    path: Path,
    sources: list[Source],
    agents: Mapping[str, Agent],
    now_ms: Callable[[], int],
    tombstones: Tombstones | None,
    find_root: FindRoot,
) -> None:
    ledger = await Ledger.open(path, DigestReducer())
    try:
        if tombstones is not None:
            await ledger.put_tombstones(tombstones)
        await _read(ledger, sources, agents, now_ms, find_root)
    finally:
        await ledger.close()


async def _read(
    ledger: Ledger,
    sources: list[Source],
    agents: Mapping[str, Agent],
    now_ms: Callable[[], int],
    find_root: FindRoot,
) -> None:
    progress = Progress(sys.stderr)
    begin_s = time.monotonic()
    for number, source in enumerate(sources, start=1):
        await ingest(ledger, agents[source.agent], source, root_of=find_root, now_ms=now_ms)
        if sys.stderr.isatty() and time.monotonic() - begin_s > SLOW_S:
            progress.update(number / len(sources), f"{number} of {len(sources)} transcripts read")
    progress.clear()


def _roots(config: Config) -> tuple[TranscriptRoot, ...]:
    return roots_to_read(adapters().values(), config, Path.home(), os.environ)


def _in_projects(config: Config, projects: Iterable[Path]) -> tuple[TranscriptRoot, ...]:
    return roots_in_projects([agent for agent in adapters().values() if config.reads(agent.id)], projects)


def _oldest_first(seen: Iterable[FoundSource]) -> list[FoundSource]:
    return sorted(seen, key=lambda item: (item.mtime_ns, item.source.path))


def _holds_many(source: Source) -> bool:
    """True where the path names neither a session nor a sub-agent."""
    return source.session is None and source.subagent_id is None


def first_cwd(agent: Agent, source: Source) -> str | None:
    """The first working directory that the source names, in about its first MiB."""
    try:
        batch = agent.reader.read(Path(source.path), None)
    except OSError:
        return None
    context = agent.context_type()
    for record in batch.records:
        context, folded = agent.parse(source, context, record)
        for event in folded.events:
            if event.cwd is not None:
                return event.cwd
    return None


def _target(row: Whereabouts, known: dict[int, Whereabouts]) -> str | None:
    return known[row.moved_to].root if row.moved_to in known else None
