"""Reads what the agents left on disk, as a daemon would. Its imports are slow: use it if the ledger is not enough."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, TypeVar

from carryover.actions.context import agents_own, now_ms, root_of
from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.config import Config, load_config, settings_now
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import ExitCode, UserError, os_reason
from carryover.facts import FindRoot
from carryover.fsio import FileLock, scratch_folder
from carryover.ingest import scan
from carryover.ingest.pipeline import ingest
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import FoundSource, first_cwd
from carryover.ingest.spool import Spool, collect_pending
from carryover.ledger.queries import connect_read_only, project_by_root, reading, whereabouts
from carryover.ledger.store import Ledger
from carryover.ledger.tombstones import Tombstones, put_tombstones, stored_tombstones
from carryover.model import conversation_of
from carryover.paths import StateDir
from carryover.probe.looks import Silent
from carryover.projects.root import StatePaths
from carryover.publish.project_moves import follow, inspect_root
from carryover.publish.refresh import refused_before_work
from carryover.terminal.output import Progress

SLOW_S: Final = 1.0

T = TypeVar("T")


def as_writer(
    state: StateDir, do: Callable[[Ledger, StatePaths], Awaitable[T]], otherwise: str = "Nothing was changed."
) -> T:
    """Runs `do` with the ledger while no daemon does. Raises UserError, which ends with `otherwise`, if it can't."""
    lock = FileLock(state.lock)
    try:
        taken = lock.acquire()
    except OSError as error:
        raise UserError(f"The lock {state.lock} cannot be taken: {os_reason(error)}. {otherwise}") from error
    if not taken:
        raise UserError(f"Another process is using the ledger. {otherwise} Try again in a moment.")

    async def run() -> T:
        ledger = await Ledger.open(state.ledger, DigestReducer())
        try:
            return await do(ledger, StatePaths.of(state, Path.home(), agents_own(load_config(state.config).agents)))
        except Exception as error:
            await ledger.report(error)  # of a reader, which may have met damage
            raise
        finally:
            await ledger.close()

    try:
        return asyncio.run(run())
    finally:
        lock.release()


def catch_up(state: StateDir, root: str) -> None:
    """Reads new records of the project at `root` into the ledger, as a daemon would. Raises UserError if it can't."""

    async def read(ledger: Ledger, paths: StatePaths) -> None:
        config = settings_now(state)
        outdated = await _outdated(ledger, state, config, [Path(root)])
        await _follow(ledger, paths, root, config)
        with closing(connect_read_only(paths.ledger)) as db:
            known = {row.id: row for row in whereabouts(db)}
        target = {row.root: known[row.moved_to].root for row in known.values() if row.moved_to in known}
        roots = {root_of(root).root}
        while former := {old for old, new in target.items() if new in roots} - roots:
            roots |= former
        await _read(ledger, of_project(outdated, roots), adapters(), now_ms, root_of)
        # Again, so that a project read just now is recognised if its folder is moved later.
        await _follow(ledger, paths, root, config)
        # A daemon that starts later leaves a project alone that only a printing command made known.
        with closing(connect_read_only(paths.ledger)) as db:
            project = project_by_root(db, root)
            refused = refused_before_work(db, project.id, config, asked=[root]) if project is not None else None
        if project is not None and refused is not None:
            await ledger.set_published(project.id, None, now_ms() + 1, refused.published.refusal)

    as_writer(state, read, "This is what it holds so far.")


def follow_moved(state: StateDir, root: str) -> None:
    """Joins what was recorded before the project at `root` was moved. Raises UserError if it can't."""
    as_writer(state, lambda ledger, paths: _follow(ledger, paths, root, settings_now(state)))


async def _follow(ledger: Ledger, paths: StatePaths, root: str, config: Config) -> None:
    project = root_of(root)
    await follow(ledger, paths, project, inspect_root(paths, project.root, config), now_ms=now_ms())


async def read_new(ledger: Ledger, state: StateDir) -> None:
    """Reads new records of all projects into the ledger, as a daemon would."""
    new = await _outdated(ledger, state, settings_now(state), ())
    await _read(ledger, [found.source for found in new], adapters(), now_ms, root_of)


async def _outdated(ledger: Ledger, state: StateDir, config: Config, more: Iterable[Path]) -> list[FoundSource]:
    """Returns what is new on disk, oldest first; also of the projects `more`, which need not be known."""
    folders = folders_to_read(config)
    await asyncio.to_thread(collect_pending, Spool(state), adapters(), [folder.agent_id for folder in folders])
    here = _in_projects(config, (*more, *scan.known_projects(state.ledger)))
    found = await scan.compare_with_disk(ledger, adapters(), (*folders, *here), now_ms=now_ms(), also_broken=True)
    return _oldest_first(found.outdated)


@contextmanager
def temporary_ledger(
    sources: Iterable[Source],
    agents: Mapping[str, Agent],
    *,
    now_ms: Callable[[], int] = now_ms,
    tombstones: Tombstones | None = None,
    find_root: FindRoot = root_of,
) -> Iterator[sqlite3.Connection]:
    """Makes a ledger of `sources` for the block, without what is later than `now_ms` or excluded by `tombstones`."""
    with scratch_folder() as folder:
        path = folder / "ledger.sqlite"

        async def read() -> None:
            ledger = await Ledger.open(path, DigestReducer())
            try:
                if tombstones is not None:
                    await ledger.write(put_tombstones, tombstones)
                await _read(ledger, list(sources), agents, now_ms, find_root)
            finally:
                await ledger.close()

        asyncio.run(read())
        with closing(connect_read_only(path)) as connection:
            yield connection


async def _read(
    ledger: Ledger, sources: list[Source], agents: Mapping[str, Agent], now_ms: Callable[[], int], find_root: FindRoot
) -> None:
    progress = Progress(after_s=SLOW_S, only_terminal=True)
    for number, source in enumerate(sources, start=1):
        await ingest(ledger, agents[source.agent], source, root_of=find_root, now_ms=now_ms)
        progress.update(number / len(sources), f"{number} of {len(sources)} transcripts read")
    progress.clear()


def tombstones_of(state: StateDir) -> Tombstones | None:
    """Returns the tombstones in the user's ledger; None without a ledger. Raises UserError if it cannot be read."""
    if not state.ledger.exists():
        return None
    with reading(state.ledger) as db:
        return stored_tombstones(db)


def sources_on_disk(config: Config, projects: Iterable[Path] = ()) -> list[FoundSource]:
    """Returns every transcript to read, also in `projects`. Raises UserError while paused.

    Oldest first, so that records copied by a fork are read from the original.
    """
    if config.paused:
        raise UserError(
            "Carryover is paused, so no transcript is read, and nothing is recorded of what you asked for. "
            "`carryover unpause` ends the pause.",
            ExitCode.REFUSED,
        )
    return _oldest_first(scan.find_sources(adapters(), (*folders_to_read(config), *_in_projects(config, projects))))


def chosen_sources(
    config: Config, root: str | None, session: str | None = None, *, around: bool = False, most_bytes: int = 0
) -> list[Source]:
    """Returns the transcripts that a temporary ledger is made of; see `opened`. Raises UserError while paused."""
    seen = sources_on_disk(config, [Path(root)] if root else [])
    if most_bytes:
        return _newest(seen, most_bytes)
    if session is not None:
        return of_session(seen, session)
    if root:
        return of_project(seen, {root, *map(str, Path(root).parents if around else ())})
    return [found.source for found in seen]


def _newest(seen: list[FoundSource], most_bytes: int) -> list[Source]:
    """Returns the newest transcripts of at most `most_bytes` together, but at least one."""
    kept = list[Source]()
    total = 0
    for found in reversed(seen):
        total += found.size
        if kept and total > most_bytes:
            break
        kept.append(found.source)
    return kept[::-1]


def folders_to_read(config: Config) -> tuple[TranscriptRoot, ...]:
    """Returns the folders in which agents keep their transcripts."""
    return scan.roots_to_read(adapters().values(), config, Path.home(), os.environ)


def of_project(seen: Iterable[FoundSource], roots: Collection[str]) -> list[Source]:
    """Returns the sources of sessions in the project with these `roots`, with sub-agents, and all that hold many."""
    items, agents = list(seen), adapters()
    known: dict[str, bool] = {}
    sessions: set[tuple[str, str | None]] = set()
    chosen: set[str] = set()
    for item in items:
        source = item.source
        if item.project is not None:
            here = str(item.project) in roots
        elif not (here := _holds_many(source)) and (cwd := first_cwd(agents[source.agent], source)) is not None:
            if cwd not in known:
                known[cwd] = _root_if_told(cwd) in roots
            here = known[cwd]
            if here and source.session is not None and source.subagent_id is None:
                sessions.add((source.agent, source.session))
        if here:
            chosen.add(source.path)
    each = [item.source for item in items]
    return [source for source in each if source.path in chosen or (source.agent, source.session) in sessions]


def _root_if_told(cwd: str) -> str | None:
    try:
        return root_of(cwd).root
    except Silent:
        return None


def of_session(seen: Iterable[FoundSource], prefix: str) -> list[Source]:
    """Returns the sources of sessions whose id begins with `prefix`, as in `codex:01a`; else all that hold many."""
    items = [item.source for item in seen]
    asked = conversation_of(prefix).lower()
    ids = [(source, source.session.lower()) for source in items if source.session is not None]
    named = [source for source, own in ids if own.startswith(asked.removeprefix(f"{source.agent}:"))]
    return named or [source for source in items if _holds_many(source)]


def _in_projects(config: Config, projects: Iterable[Path]) -> tuple[TranscriptRoot, ...]:
    return scan.roots_in_projects([agent for agent in adapters().values() if config.reads(agent.id)], projects)


def _oldest_first(seen: Iterable[FoundSource]) -> list[FoundSource]:
    return sorted(seen, key=lambda item: (item.mtime_ns, item.source.path))


def _holds_many(source: Source) -> bool:
    """Whether the path names neither a session nor a sub-agent."""
    return source.session is None and source.subagent_id is None
