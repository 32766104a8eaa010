"""Does what the daemon does, in this process while no daemon runs: one writer at a time has the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from carryover.clock import utc_now_ms
from carryover.config import Config, load_config, settings_now
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import UserError, os_reason
from carryover.fsio import FileLock
from carryover.importing.declared import all_agents
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_root, whereabouts
from carryover.ledger.store import Ledger
from carryover.past.context import root_of, state_dir
from carryover.past.from_disk import of_project, outdated_sources, read_sources
from carryover.projects.policy import AWAITS_WORK
from carryover.projects.root import StatePaths
from carryover.publish.project_moves import follow, inspect_root
from carryover.publish.publish import awaits_work

_T = TypeVar("_T")


def as_writer(do: Callable[[Ledger, StatePaths], Awaitable[_T]], otherwise: str = "Nothing was changed.") -> _T:
    """Runs `do` with the ledger while no daemon does. Raises UserError, which ends with `otherwise`, if it can't."""
    state = state_dir()
    lock = FileLock(state.lock)
    try:
        taken = lock.acquire()
    except OSError as error:
        raise UserError(f"The lock {state.lock} cannot be taken: {os_reason(error)}. {otherwise}") from error
    if not taken:
        raise UserError(f"Another process is using the ledger. {otherwise} Try again in a moment.")

    async def run() -> _T:
        ledger = await Ledger.open(state.ledger, DigestReducer())
        try:
            return await do(ledger, StatePaths(state, Path.home(), load_config(state.config).agents))
        except Exception as error:
            await ledger.report(error)  # of a reader, which may have met damage
            raise
        finally:
            await ledger.close()

    try:
        return asyncio.run(run())
    finally:
        lock.release()


PATIENCE_S: Final = 5.0
"""How long one source may be read that may have nothing of the project that is asked about."""


def catch_up(root: str) -> bool:
    """Reads new records of the project at `root` into the ledger, as a daemon would. Returns whether all were read.

    Raises UserError if it can't.
    """

    async def read(ledger: Ledger, paths: StatePaths) -> bool:
        config = settings_now(paths.state)
        outdated = await outdated_sources(ledger, config, [Path(root)])
        await _follow(ledger, paths, root, config)
        with closing(connect_read_only(paths.state.ledger)) as db:
            rows = {row.id: row for row in whereabouts(db)}
        target = {row.root: rows[row.moved_to].root for row in rows.values() if row.moved_to in rows}
        roots = {root_of(root).root}
        while former := {old for old, new in target.items() if new in roots} - roots:
            roots |= former
        agents = all_agents(config.sources)
        chosen = of_project(outdated, roots, agents)
        is_whole = await read_sources(ledger, chosen, agents, utc_now_ms, root_of, patience_s=PATIENCE_S)
        # Again, so that a project read just now is recognised if its folder is moved later.
        await _follow(ledger, paths, root, config)
        # A daemon that starts later leaves a project alone that only a printing command made known.
        with closing(connect_read_only(paths.state.ledger)) as db:
            project = project_by_root(db, root)
            awaits = project is not None and awaits_work(db, project, asked=[root])
        if project is not None and awaits:
            await ledger.set_published(project.id, None, utc_now_ms() + 1, AWAITS_WORK)
        return is_whole

    return as_writer(read, "This is what it holds so far.")


def follow_moved(root: str) -> None:
    """Joins what was recorded before the project at `root` was moved. Raises UserError if it can't."""
    as_writer(lambda ledger, paths: _follow(ledger, paths, root, settings_now(paths.state)))


async def _follow(ledger: Ledger, paths: StatePaths, root: str, config: Config) -> None:
    project = root_of(root)
    await follow(ledger, paths, project, inspect_root(paths, project.root, config))


async def read_new(ledger: Ledger) -> None:
    """Reads new records of all projects into the ledger, as a daemon would."""
    config = settings_now(state_dir())
    new = await outdated_sources(ledger, config, ())
    await read_sources(ledger, [item.source for item in new], all_agents(config.sources), utc_now_ms, root_of)
