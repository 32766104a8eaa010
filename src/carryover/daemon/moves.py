"""Recognises moved or renamed projects before they are published or handed over, and links them on request.

That means checking the folders of all known projects, and one of them may be on a hanging disk. So it has its own
thread and a short time limit; while a check hangs, no moves are recognised and nothing waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import msgspec

from carryover.daemon.context import DaemonContext
from carryover.facts import ProjectRoot
from carryover.ledger.connect import LedgerDamaged
from carryover.ledger.queries import ProjectRow, projects
from carryover.ledger.sessions import Moved
from carryover.publish.project_moves import RootFacts, follow, inspect_root, link, unlink

LOOK_S: Final = 1.0
BETWEEN_PROJECTS_S: Final = 0.1
AGAIN_S: Final = 60.0
"""How long a project that is published frequently is not checked again."""


class Linked(msgspec.Struct, frozen=True):
    """`sessions`: how many now belong to another project."""

    sessions: int


class Moves:
    """Joins moved projects with their past. Close `pool` at the end.

    `on_moved` gets the time of the last event of each project that received sessions.
    """

    def __init__(
        self,
        context: DaemonContext,
        *,
        on_moved: Callable[[Mapping[int, int]], None],
    ) -> None:
        self._context = context
        self._ledger = context.ledger
        self._paths = context.paths
        self._on_moved = on_moved
        self._log = context.log
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="moves")
        self._compared: dict[str, frozenset[int]] = {}
        """Roots that were gone at the last check, by root of a known project."""
        self._looked_s: dict[int, float] = {}
        """When each published project was last followed, by its id."""
        self._stuck = False

    async def run(self) -> None:
        """Records the identity of each project's folder, so that it is recognised after a move."""
        for row in await asyncio.to_thread(self._rows):
            await self.follow(ProjectRoot(row.root, row.main_root))
            await asyncio.sleep(BETWEEN_PROJECTS_S)

    async def follow(self, project: ProjectRoot) -> int:
        """Joins what was recorded of the project at other paths if that is certain; returns the number of sessions."""
        seen = await self._look(project.root)
        if seen is None:
            return 0
        moved = await follow(self._ledger, self._paths, project, seen, now_ms=self._context.now_ms())
        if seen.own is not None:
            self._compared[project.root] = seen.gone
        await self._report(moved, "project_found")
        return moved.sessions

    async def follow_known(self, project_id: int) -> None:
        """Calls `follow` for a known project that is about to be published, but not for every publication."""
        now_s = self._context.clock()
        if now_s - self._looked_s.get(project_id, -AGAIN_S) < AGAIN_S:
            return
        self._looked_s[project_id] = now_s
        rows = await asyncio.to_thread(self._rows)
        row = next((row for row in rows if row.id == project_id), None)
        if row is None:
            return
        try:
            await self.follow(ProjectRoot(row.root, row.main_root))
        except LedgerDamaged:
            raise
        except Exception as error:
            # Publishing without the past is better than not publishing.
            self._log.error("moves_failed", error, project=project_id)

    async def follow_root(self, root: str) -> Linked:
        """Calls `follow` for the project that a folder is in."""
        return Linked(await self.follow(await asyncio.to_thread(self._paths.root_of, root)))

    async def link(self, old: str, new: str) -> Linked:
        """Joins what was recorded at `old` to the project at `new`."""
        moved = await link(self._ledger, self._paths, old, new, now_ms=self._context.now_ms())
        await self._report(moved, "project_linked")
        return Linked(moved.sessions)

    async def unlink(self, old: str) -> Linked:
        """Undoes a link, or a recognised move."""
        moved = await unlink(self._ledger, self._paths, old, self._context.config)
        self._compared.clear()
        self._looked_s.clear()
        await self._report(moved, "project_unlinked")
        return Linked(moved.sessions)

    async def _look(self, root: str) -> RootFacts | None:
        if self._stuck:
            return None
        compared = self._compared.get(root)
        looking = asyncio.get_running_loop().run_in_executor(
            self.pool, partial(inspect_root, self._paths, root, self._context.config, compared=compared)
        )
        done, _ = await asyncio.wait({looking}, timeout=LOOK_S)
        if not done:
            self._stuck = True
            looking.add_done_callback(self._came_back)
            self._log.warning("moves_not_looked_for")
            return None
        return looking.result()

    def _came_back(self, looking: asyncio.Future[RootFacts]) -> None:
        self._stuck = False
        if not looking.cancelled():
            looking.exception()  # retrieved; too late for anyone to use

    async def _report(self, moved: Moved, what: str) -> None:
        if moved.sessions:
            self._log.info(what, sessions=moved.sessions)
            rows = await asyncio.to_thread(self._rows)
            self._on_moved({row.id: row.last_event_ms for row in rows if row.id in moved.projects})

    def _rows(self) -> list[ProjectRow]:
        with self._context.read_ledger() as db:
            return projects(db)
