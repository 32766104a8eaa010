"""What a hook's call makes the daemon read, store and publish, before its answer or after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import msgspec

from carryover.adapter.contract import Source
from carryover.daemon.hook_paths import Call
from carryover.daemon.hook_sources import changed_of_late, is_told_elsewhere
from carryover.daemon.own_session import OwnSession, own_session
from carryover.daemon.publishing import Publisher
from carryover.daemon.reading import Reading
from carryover.facts import FindRoot
from carryover.ingest.pipeline import ingest_provisional
from carryover.ingest.scan import TranscriptRoot
from carryover.ledger.queries import connect_read_only
from carryover.ledger.store import Ledger
from carryover.model import Event


class HookWork:
    """See the module. `look_s`: after an answer too, for so long at most a session's own sources are waited for."""

    def __init__(
        self,
        roots: Callable[[], tuple[TranscriptRoot, ...]],
        ledger: Ledger,
        ledger_path: Path,
        reading: Reading,
        publisher: Publisher,
        *,
        root_of: FindRoot,
        look_s: float,
        executor: Executor,
    ) -> None:
        self._roots = roots
        self._ledger = ledger
        self._ledger_path = ledger_path
        self._reading = reading
        self._publisher = publisher
        self._root_of = root_of
        self._look_s = look_s
        self._executor = executor

    async def save(self, call: Call) -> None:
        """Read and publish what the session wrote."""
        await self._reading.look_at(await self._sources_of(call))
        await self._publish(call)

    async def finish(self, call: Call) -> None:
        """A turn ended: store what was told early, or else read the transcript, and publish soon."""
        self._publisher.urge(*await self._store(call))

    async def hint(self, call: Call) -> None:
        """Let what may have changed be read soon."""
        self._reading.hint(await self._sources_of(call))

    async def _publish(self, call: Call) -> None:
        project_id = (await self._own_session(call)).project_id
        if project_id is not None:
            await self._publisher.publish_now(project_id)

    async def _store(self, call: Call) -> tuple[frozenset[int], int]:
        """The projects that this touched, and when it happened."""
        events = await self._early_events(call)
        if events:
            stored = await ingest_provisional(
                self._ledger, call.agent.id, events, root_of=self._root_of, now_ms=_now_ms, executor=self._executor
            )
            return stored.projects, stored.newest_event_ms
        await self._look(call)
        project_id = (await self._own_session(call)).project_id
        return frozenset() if project_id is None else frozenset({project_id}), 0

    async def _early_events(self, call: Call) -> list[Event]:
        """What was told early, as the session's that it belongs to; nothing where that can't be told in time."""
        if not call.reading.provisional:
            return []
        own = await self._own_session(call)
        if own.project_id is not None and call.project is not None and own.project_id != own.here_id:
            # Either it went there by `cd` (Claude Code), or its turns there are another session, which is on disk.
            if not await self._look(call):
                return []
            own = await self._own_session(call)
        cwd = call.reading.cwd if call.project is not None else None
        return [msgspec.structs.replace(event, session=own.id, cwd=cwd) for event in call.reading.provisional]

    async def _look(self, call: Call) -> bool:
        """Read what the session wrote; whether that was done in time. The rest follows by itself."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_s):
                await self._reading.look_at(await self._sources_of(call))
                return True
        return False

    async def _sources_of(self, call: Call) -> list[Source]:
        """Those that may hold what the call is about."""
        if call.transcript is not None and not is_told_elsewhere(call.transcript):
            return [call.transcript.source]
        roots = [root.path for root in self._roots() if root.agent_id == call.agent.id]
        look = partial(changed_of_late, call.agent, call.transcript, roots, now_ms=_now_ms())
        return await asyncio.get_running_loop().run_in_executor(self._executor, look)

    async def _own_session(self, call: Call) -> OwnSession:
        root = call.project.root if call.project is not None else None

        def ask() -> OwnSession:
            with closing(connect_read_only(self._ledger_path)) as db:
                return own_session(db, call.agent.id, call.reading.session, root)

        return await asyncio.get_running_loop().run_in_executor(self._executor, ask)


def _now_ms() -> int:
    return int(time.time() * 1000)
