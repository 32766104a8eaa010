"""Does what commands ask of the daemon: makes handoffs, imports documents, links moved projects, synchronises."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.config import Config, refuse_excluded, settings_or_defaults
from carryover.daemon.client import SETTLE_LIMIT_S
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import Word
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.supervisor import wait_at_most
from carryover.errors import ExitCode, UserError, os_reason
from carryover.facts import ProjectRoot
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document, take_in
from carryover.importing.report import Report
from carryover.ledger.connect import LedgerDamaged, LedgerUnavailable, reading_tolerantly
from carryover.ledger.queries import project_by_id, projects, whereabouts
from carryover.ledger.rows import ProjectRow
from carryover.ledger.sessions import Moved
from carryover.platform import here
from carryover.probe.looks import Silent, looked_at
from carryover.publish.handoff_json import PrintedHandoff, WantedHandoff
from carryover.publish.printed import hand_over, notes_on, printed
from carryover.publish.project_moves import RootFacts, follow, inspect_root, is_excluded, link, unlink

if TYPE_CHECKING:
    from carryover.sync.rounds import Outcome


class Imports:
    """Imports one document at a time, independently of the readers."""

    def __init__(self, context: DaemonContext, publish_queue: PublishQueue) -> None:
        self._context = context
        self._publish_queue = publish_queue
        self._one_at_a_time = asyncio.Lock()
        self._pool = context.pool(1, "import")

    async def take_in(self, path: str, project: str | None, agent_id: str | None, *, again: bool) -> Report:
        """Imports the document at `path`. `project`, `agent_id`: as in `Candidate`. Raises UserError."""
        context = self._context
        if context.config.paused:
            raise UserError("Carryover is paused, so nothing was imported.", ExitCode.REFUSED)
        file = Candidate(
            Path(path),
            project=project or None,
            agent_id=agent_id or None,
            own_folder=context.state.root,
            declared=context.config.sources,
        )
        async with self._one_at_a_time:
            document = await asyncio.get_running_loop().run_in_executor(self._pool, open_document, file)
            taking = partial(take_in, root_of=context.paths.root_of, now_ms=context.now_ms)
            result = await taking(context.ledger, document, again=again)
        if result.projects:
            self._publish_queue.source_read(result, more_follows=False)
            await self._publish_queue.flush()
        context.log.info("imported", agent=Word(document.agent.id), events=result.new_events)
        return Report(new_events=result.new_events, forgotten=result.forgotten, problem=result.error)


BETWEEN_PROJECTS_S: Final = 0.1
_AGAIN_S: Final = 60.0
"""How long a project that is published frequently is not checked again."""


class Moves:
    """Joins moved projects with their past."""

    def __init__(
        self,
        context: DaemonContext,
        *,
        on_moved: Callable[[Mapping[int, int]], None],
        inspect: Callable[..., RootFacts] = inspect_root,
    ) -> None:
        self._context = context
        self._inspect = inspect
        self._on_moved = on_moved
        self._looked_s: dict[int, float] = {}

    async def run(self) -> None:
        """Records the identity of each project's folder, so that it is recognised after a move."""
        for row in await asyncio.to_thread(self._rows):
            await self.follow(ProjectRoot(row.root, row.main_root))
            await asyncio.sleep(BETWEEN_PROJECTS_S)

    async def follow(self, project: ProjectRoot) -> Moved:
        """Joins what was recorded of the project at other paths if that is certain."""
        context, root = self._context, project.root
        inspect = partial(self._inspect, context.paths, root, context.config)
        try:
            seen = await looked_at(root, inspect)
        except Silent:
            return Moved()
        moved = await follow(context.ledger, context.paths, project, seen)
        return await self._reported(moved, "project_found")

    async def follow_known(self, project_id: int) -> None:
        """Calls `follow` for a known project that is about to be published, but not for every publication, except of a
        worktree that is excluded by now: it may be removed soon, with the file that says so."""
        now_s = self._context.clock()
        was_looked_at = now_s - self._looked_s.get(project_id, -_AGAIN_S) < _AGAIN_S
        row = await asyncio.to_thread(self._worktree_left_out if was_looked_at else self._row, project_id)
        if row is None:
            return
        self._looked_s[project_id] = now_s
        try:
            await self.follow(ProjectRoot(row.root, row.main_root))
        except Exception as error:  # publishing without the past is better than not publishing
            await self._context.ledger.report(error)
            self._context.log.error("moves_failed", error, project=project_id)

    async def follow_root(self, root: str) -> Moved:
        """Calls `follow` for the project that a folder is in."""
        return await self.follow(await asyncio.to_thread(self._context.paths.root_of, root))

    async def link(self, old: str, new: str) -> Moved:
        """Joins what was recorded at `old` to the project at `new`."""
        context = self._context
        moved = await link(context.ledger, context.paths, old, new)
        return await self._reported(moved, "project_linked")

    async def unlink(self, old: str) -> Moved:
        """Undoes a link, or a recognised move."""
        moved = await unlink(self._context.ledger, self._context.paths, old)
        self._looked_s.clear()
        return await self._reported(moved, "project_unlinked")

    async def _reported(self, moved: Moved, what: str) -> Moved:
        if moved.sessions:
            self._context.log.info(what, sessions=moved.sessions)
            rows = await asyncio.to_thread(self._rows)
            self._on_moved({row.id: row.last_event_ms for row in rows if row.id in moved.projects})
        return moved

    def _row(self, project_id: int) -> ProjectRow | None:
        with self._context.read_ledger() as db:
            return project_by_id(db, project_id)

    def _worktree_left_out(self, project_id: int) -> ProjectRow | None:
        row = self._row(project_id)
        is_left_out = row is not None and row.main_root is not None and is_excluded(row.root, self._context.config)
        return row if is_left_out else None

    def _rows(self) -> list[ProjectRow]:
        with self._context.read_ledger() as db:
            return projects(db)


STILL_READING: Final = "carryoverd is still reading; this is what it knows so far."


class Handoffs:
    """Makes the handoffs that commands print, of what everything on disk has been read into."""

    def __init__(
        self,
        context: DaemonContext,
        moves: Moves,
        *,
        settle: Callable[[str], Awaitable[bool]],
        settle_s: float = SETTLE_LIMIT_S,
    ) -> None:
        self._context = context
        self._moves = moves
        self._settle_s = settle_s
        self._settle = settle

    async def answer(self, wanted: WantedHandoff) -> PrintedHandoff:
        """Returns the wanted handoff. Raises UserError if there is none; the command looks for itself then, as it may
        be on a disk that does not answer here, or recorded nowhere yet."""
        notes: list[str] = []
        try:
            config, roots = await looked_at(wanted.root, partial(self._settings_and_roots, wanted.root, notes))
            for root in roots:
                if not await self._has_caught_up(root):
                    notes.append(STILL_READING)
                made = await looked_at(wanted.root, partial(self._made_of, root, wanted, config, notes))
                if made is not None:
                    return msgspec.structs.replace(made, notes=tuple(notes))
        except Silent as error:
            raise UserError(f"{wanted.root}: {error.strerror}. Nothing was changed. Try again once it does.") from error
        raise UserError(f"Nothing is recorded for {wanted.root}.", ExitCode.NOTHING_FOUND)

    def _settings_and_roots(self, root: str, notes: list[str]) -> tuple[Config, list[str]]:
        config, trouble = settings_or_defaults(self._context.state)
        if trouble is not None:
            notes.append(trouble)
        refuse_excluded(root, config)
        return config, [*filter(None, (root, self._context.paths.root_of(root).main_root))]

    def _made_of(self, root: str, wanted: WantedHandoff, config: Config, notes: list[str]) -> PrintedHandoff | None:
        """Returns the wanted handoff of what is recorded at `root`; None if nothing is. Adds what a person should know
        first to `notes`."""
        with reading_tolerantly(self._context.state.ledger, notes.append) as ledger:
            made = hand_over(wanted, ledger, root, config, now_ms=self._context.now_ms())
            if made is None:
                return None
            known = whereabouts(ledger)
        notes.extend(notes_on(made, known))
        return printed(made)

    async def _has_caught_up(self, root: str) -> bool:
        """Reads and joins what is new of the project at `root`, as far as time allows."""
        caught_up = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settle_s):
                caught_up = await self._settle(root)
        with suppress(LedgerUnavailable):
            await self._moves.follow_root(root)
        return caught_up


NICE: Final = 10


class Syncing:
    """Synchronises with the user's other machines, one request at a time. While sync is off, its code is not loaded."""

    def __init__(
        self,
        context: DaemonContext,
        *,
        publish: Callable[[], Awaitable[None]],
    ) -> None:
        self._context = context
        self._publish = publish
        self._one_at_a_time = asyncio.Lock()
        self._pool = context.pool(1, "sync", partial(here().lower_priority, NICE))

    async def run(self) -> None:
        """Synchronises now and as often as the settings say, until cancelled."""
        context = self._context
        while True:
            changed, every_s = context.config_changed, seconds_of(context.config.sync.every)
            is_on = every_s is not None and (context.state.sync / "state.json").exists()
            if is_on and not context.config.paused:
                try:
                    await self.once()
                except LedgerDamaged:
                    raise
                except UserError:
                    context.log.warning("sync_failed", waiting=True)
            await wait_at_most(changed, every_s)

    async def once(self) -> Outcome:
        """Synchronises once. Raises UserError; what was done until then is kept."""
        from carryover.sync.rounds import synchronise

        context = self._context
        async with self._one_at_a_time:
            try:
                in_thread = partial(asyncio.get_running_loop().run_in_executor, self._pool)
                done = await synchronise(
                    context.state,
                    lambda do: do(context.ledger, context.paths),
                    now_ms=context.now_ms,
                    in_thread=in_thread,
                )
            except OSError as error:
                why = f"The state folder can't be written: {os_reason(error)}."
                raise UserError(f"{why} Nothing is lost: mend that, then try again.") from error
        if done.received_events or done.sent_events:
            counts = {"received": done.received_events, "sent": done.sent_events, "bytes": done.sent_bytes}
            context.log.info("synchronised", machines=done.machines, **counts)
        if done.received_events:
            await self._publish()
        return done


def seconds_of(every: str | None) -> float | None:
    """Returns the seconds of the setting `sync.every`; None if nothing is to be done by itself.

    >>> seconds_of("5m"), seconds_of("2h"), seconds_of("0"), seconds_of(None)
    (300.0, 7200.0, None, None)
    """
    if every is None or every == "0":
        return None
    return float(every[:-1]) * (60.0 if every.endswith("m") else 3600.0)
