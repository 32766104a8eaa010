"""Finds and reads what the agents left on disk. Its imports are slow: use it if the ledger is not enough."""

from __future__ import annotations

import asyncio
import math
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from carryover.adapter.contract import Agent, Source
from carryover.clock import utc_now_ms
from carryover.config import Config
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import ExitCode, UserError
from carryover.facts import FindRoot
from carryover.fsio import scratch_folder
from carryover.importing.declared import all_agents
from carryover.ingest import scan
from carryover.ingest.pipeline import ingest, retry_if_silent
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import FoundSource, first_cwd
from carryover.ingest.spool import Spool, collect_pending
from carryover.ledger.connect import connect_read_only, is_made, reading
from carryover.ledger.store import Ledger
from carryover.ledger.tombstones import Tombstones, kept_copy, put_tombstones, stored_tombstones
from carryover.model import conversation_of
from carryover.past.context import root_of, state_dir
from carryover.paths import StateDir
from carryover.probe.looks import Silent
from carryover.terminal.output import SLOW_S, Progress


async def outdated_sources(ledger: Ledger, config: Config, more: Iterable[Path]) -> list[FoundSource]:
    """Returns what is new on disk, oldest first; also of the projects `more`, which need not be known."""
    state, folders = state_dir(), folders_to_read(config)
    agents = all_agents(config.sources)
    await asyncio.to_thread(collect_pending, Spool(state), agents, [folder.agent_id for folder in folders])
    in_projects = _in_projects(config, (*more, *scan.known_projects(state.ledger)))
    difference = await scan.compare_with_disk(
        ledger, agents, (*folders, *in_projects), now_ms=utc_now_ms(), also_broken=True
    )
    return _oldest_first(difference.outdated)


@contextmanager
def temporary_ledger(
    sources: Iterable[Source],
    agents: Mapping[str, Agent],
    *,
    now_ms: Callable[[], int] = utc_now_ms,
    tombstones: Tombstones | None = None,
    find_root: FindRoot = root_of,
) -> Iterator[sqlite3.Connection]:
    """Makes a ledger of `sources` for the block, without what is later than `now_ms` or excluded by `tombstones`."""
    listed = list(sources)
    with scratch_folder() as folder:
        path = folder / "ledger.sqlite"

        async def read() -> None:
            ledger = await Ledger.open(path, DigestReducer())
            try:
                if tombstones is not None:
                    await ledger.write(put_tombstones, tombstones)
                is_whole = await read_sources(ledger, listed, agents, now_ms, find_root)
            finally:
                await ledger.close()
            if len(listed) == 1 and not is_whole:  # of several, the others are of use
                raise UserError(
                    f"The disk of {listed[0].path} does not answer. Nothing was changed. Try again once it does."
                )

        asyncio.run(read())
        with closing(connect_read_only(path)) as connection:
            yield connection


async def read_sources(
    ledger: Ledger,
    sources: list[Source],
    agents: Mapping[str, Agent],
    now_ms: Callable[[], int],
    find_root: FindRoot,
    *,
    patience_s: float = math.inf,
) -> bool:
    """Reads `sources` into the ledger, with a progress display if that takes long. Returns whether all were read.

    `patience_s`: after this long, one with the sessions of many projects is left, the newest of them having been read.
    """
    is_whole = True
    with Progress(after_s=SLOW_S) as progress:
        for number, source in enumerate(sources, start=1):
            agent = agents[source.agent]
            read_next = partial(ingest, ledger, agent, source, root_of=find_root, now_ms=now_ms, max_batches=1)
            until_s = time.monotonic() + (patience_s if _holds_many(source) else math.inf)
            while (result := await retry_if_silent(read_next)).more and time.monotonic() < until_s:
                progress.update((number - 1) / len(sources), f"{number - 1} of {len(sources)} transcripts read")
            is_whole = is_whole and not (result.more or result.silent)
            progress.update(number / len(sources), f"{number} of {len(sources)} transcripts read")
    return is_whole


def tombstones_of(state: StateDir) -> Tombstones:
    """Returns the tombstones in the user's ledger, or those beside where it was. Raises UserError if it cannot be
    read."""
    if not is_made(state.ledger):
        return kept_copy(state.ledger)
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
    agents = all_agents(config.sources)
    return _oldest_first(scan.find_sources(agents, (*folders_to_read(config), *_in_projects(config, projects))))


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
        around_it = map(str, Path(root).parents if around else ())
        return of_project(seen, {root, *around_it}, all_agents(config.sources))
    return [item.source for item in seen]


def _newest(seen: list[FoundSource], most_bytes: int) -> list[Source]:
    """Returns the newest transcripts of at most `most_bytes` together, but at least one."""
    kept = list[Source]()
    total = 0
    for item in reversed(seen):
        total += item.size
        if kept and total > most_bytes:
            break
        kept.append(item.source)
    return kept[::-1]


def folders_to_read(config: Config) -> tuple[TranscriptRoot, ...]:
    """Returns the folders in which agents keep their transcripts."""
    return scan.roots_to_read(all_agents(config.sources).values(), config, Path.home(), os.environ)


def of_project(seen: Iterable[FoundSource], roots: Collection[str], agents: Mapping[str, Agent]) -> list[Source]:
    """Returns the sources of sessions in the project with these `roots`, with sub-agents, and all that hold many."""
    items = list(seen)
    in_project: dict[str, bool] = {}
    sessions: set[tuple[str, str | None]] = set()
    chosen: set[str] = set()
    for item in items:
        source = item.source
        if item.project is not None:
            is_chosen = str(item.project) in roots
        elif not (is_chosen := _holds_many(source)) and (cwd := first_cwd(agents[source.agent], source)) is not None:
            if cwd not in in_project:
                in_project[cwd] = _root_if_told(cwd) in roots
            is_chosen = in_project[cwd]
            if is_chosen and source.session is not None and source.subagent_id is None:
                sessions.add((source.agent, source.session))
        if is_chosen:
            chosen.add(source.path)
    sources = [item.source for item in items]
    return [source for source in sources if source.path in chosen or (source.agent, source.session) in sessions]


def _root_if_told(cwd: str) -> str | None:
    try:
        return root_of(cwd).root
    except Silent:
        return None


def of_session(seen: Iterable[FoundSource], prefix: str) -> list[Source]:
    """Returns the sources of sessions whose id begins with `prefix`, as in `codex:01a`; else all that hold many."""
    items = [item.source for item in seen]
    wanted_id = conversation_of(prefix).lower()
    ids = [(source, source.session.lower()) for source in items if source.session is not None]
    named = [source for source, session_id in ids if session_id.startswith(wanted_id.removeprefix(f"{source.agent}:"))]
    return named or [source for source in items if _holds_many(source)]


def _in_projects(config: Config, projects: Iterable[Path]) -> tuple[TranscriptRoot, ...]:
    return scan.roots_in_projects(
        [agent for agent in all_agents(config.sources).values() if config.reads(agent.id)], projects
    )


def _oldest_first(seen: Iterable[FoundSource]) -> list[FoundSource]:
    return sorted(seen, key=lambda item: (item.mtime_ns, item.source.path))


def _holds_many(source: Source) -> bool:
    """Whether the path names neither a session nor a sub-agent."""
    return source.session is None and source.subagent_id is None
