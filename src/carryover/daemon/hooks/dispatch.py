"""What happens when an agent's hook calls: each event by its action, without delaying the agent.

    session_start  read what is new on disk, answer with the handoff
    flush          context is about to be lost: read and publish, then answer
    turn_end       a turn ended: answer at once, then store what the transcript does not have yet, and publish
    prompt         answer with the handoff only where a compaction has removed it; store what the prompt says after it
    hint           answer at once, read soon

Whatever goes wrong, the answer is empty and comes in time. A start that cannot be answered gets a 503, for which the
hook's script has an answer made in advance.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, HookAction, HookEvent, Source
from carryover.adapter.spooled import spool_line
from carryover.agents import agent_id_of
from carryover.daemon.health import HookCounts, HookOutcome
from carryover.daemon.hooks.lookup import OwnSession, changed_of_late, may_have_other_sources, own_session
from carryover.daemon.hooks.session_start import Job, SessionStarts, Start
from carryover.daemon.hooks.validate import Call, Refused, check_call
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.log import Log, Word, phrase
from carryover.daemon.metrics import Meter
from carryover.daemon.publish_queue import PublishQueue
from carryover.facts import FindRoot
from carryover.ingest.pipeline import ingest_provisional
from carryover.ingest.scan import TranscriptRoot
from carryover.ingest.spool import Spool, SpoolFull
from carryover.ledger.ledger_errors import LedgerDamaged
from carryover.ledger.queries import connect_read_only
from carryover.ledger.store import Ledger
from carryover.model import Event, Skipped

START_S: Final = 0.85
"""The hook's own script waits for a second in all."""
SAVE_S: Final = 0.25
"""The hook's own script waits for 0.3 s in all."""
PROMPT_S: Final = 0.4
"""The hook's own script waits for 0.5 s in all."""
MOST_AT_ONCE: Final = 128
MOST_KEPT: Final = 512
"""Things to store that wait for the ledger. More are dropped: the transcripts bring them."""

_LIMITS_S: Final[dict[HookAction, float]] = {"session_start": START_S, "prompt": PROMPT_S}
_EVENT: Final = re.compile(r"[A-Za-z_]{1,40}")


class Reply(msgspec.Struct, frozen=True):
    """Status and body of an answer. Only a 200 has a body."""

    status: int
    body: bytes = b""


_QUIET: Final = Reply(204)


class Hooks:
    """See the module. `run` does what is left to be done after the answer."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        roots: Callable[[], tuple[TranscriptRoot, ...]],
        ledger: Ledger,
        ledger_path: Path,
        ingest_queue: IngestQueue,
        publish_queue: PublishQueue,
        starts: SessionStarts,
        *,
        spool: Spool,
        reads: Callable[[str], bool],
        root_of: FindRoot,
        executor: Executor,
        log: Log,
        meter: Meter | None = None,
    ) -> None:
        self._spool = spool
        self._reads = reads
        self._agents = agents
        self._roots = roots
        self._ledger = ledger
        self._ingest_queue = ingest_queue
        self._starts = starts
        self._work = HookWork(
            roots, ledger, ledger_path, ingest_queue, publish_queue, root_of=root_of, look_s=SAVE_S, executor=executor
        )
        self._root_of = root_of
        self._executor = executor
        self._log = log
        self._meter = meter if meter is not None else Meter()
        self._left: asyncio.Queue[Job | None] = asyncio.Queue()
        self._at_once = 0
        self.counts = HookCounts()

    async def call(
        self, agent_name: str, event: str, payload: bytes, *, authenticated: bool, cwd: str | None = None
    ) -> Reply:
        """The answer to one call. Never raises. `cwd`: the folder that the hook ran in, where its script said so."""
        agent_id = agent_id_of(agent_name)
        if agent_id is None or _EVENT.fullmatch(event) is None:
            return Reply(404)
        agent = self._agents.get(agent_id)
        if agent is None or agent.hooks is None:
            return _QUIET
        known = next((name for name in agent.hooks.events if name.lower() == event.lower()), None)
        began_s = time.monotonic()
        reply, outcome, starts = await self._reply(
            agent, known or event.lower(), payload, authenticated=authenticated, cwd=cwd
        )
        self._meter.hook(agent.id, known or "other", outcome)
        if starts:
            self._meter.session_start.add((time.monotonic() - began_s) * 1000)
        return reply

    async def _reply(
        self, agent: Agent, event: str, payload: bytes, *, authenticated: bool, cwd: str | None
    ) -> tuple[Reply, HookOutcome, bool]:
        """The answer, how the call ended, and whether a session starts with it."""
        assert agent.hooks is not None
        read: HookEvent | Skipped | None = None
        named = {"agent": Word(agent.id), "hook": Word(event if event in agent.hooks.events else "other")}
        outcome: HookOutcome = "overloaded"
        to_keep = agent.spec.hooks.spooled and authenticated and self._reads(agent.id)
        self._at_once += 1
        try:
            read = agent.hooks.read(event, payload, _now_ms())
            if self._at_once <= MOST_AT_ONCE:
                if isinstance(read, HookEvent):
                    read = msgspec.structs.replace(read, cwd=read.cwd or (cwd if authenticated else None))
                    if to_keep:
                        await self._keep(agent, event, payload, read, cwd)
                to_keep = False
                reply, outcome = await self._answer(agent, read, authenticated)
                return reply, outcome, _starts(read)
            self.counts.overloaded += 1
        except TimeoutError:
            self.counts.late += 1
            outcome = "late"
            self._log.warning("hook_late", **named)
        except Exception as error:
            # An agent waits for this answer: whatever is wrong with us must not become its trouble.
            self.counts.failed += 1
            outcome = "failed"
            self._log.error("hook_failed", error, **named)
        finally:
            self._at_once -= 1
        if to_keep:
            self.counts.not_kept += 1
            return Reply(503), outcome, _starts(read)
        return Reply(503) if _starts(read) else _QUIET, outcome, _starts(read)

    async def run(self) -> None:
        """Do what calls left to be done, one after the other, until drained."""
        while (job := await self._left.get()) is not None:
            try:
                await job()
            except LedgerDamaged:
                raise
            except Exception as error:
                # Only what the transcripts bring as well is lost, later; trouble with the ledger shows with them.
                self._log.error("hook_not_stored", error)

    def later(self, job: Job) -> None:
        """Do `job` after the answer, in its turn. Dropped where too much waits already."""
        if self._left.qsize() < MOST_KEPT:
            self._left.put_nowait(job)
        else:
            self.counts.overloaded += 1

    def drain(self) -> None:
        """Let `run` end once what waits has been done."""
        self._left.put_nowait(None)

    async def _keep(self, agent: Agent, event: str, payload: bytes, read: HookEvent, cwd: str | None) -> None:
        """Keeps a payload before it is answered. Raises OSError and TimeoutError; then the hook's script keeps it."""
        line = spool_line(event, payload, at_ms=_now_ms(), cwd=cwd)
        if line is None:
            return
        try:
            async with asyncio.timeout(SAVE_S):
                path = await asyncio.get_running_loop().run_in_executor(
                    self._executor, _put_in_spool, self._spool, agent, read.session, line
                )
        except SpoolFull:
            self.counts.not_kept += 1
            self._log.warning("spool_full", agent=Word(agent.id))
            return
        self.counts.kept += 1
        source = agent.source_of(path, self._spool.folder(agent.id))
        if source is not None:
            self._ingest_queue.hint([source])
        if read.action == "turn_end":
            self.later(partial(asyncio.to_thread, self._spool.finish_turn, path, read.transcript))

    async def _answer(self, agent: Agent, read: HookEvent | Skipped, authenticated: bool) -> tuple[Reply, HookOutcome]:
        if not authenticated:
            self.counts.unauthenticated += 1
        if isinstance(read, Skipped):
            self.counts.foreign += 1
            if authenticated:
                self.later(partial(self._count, agent.id, read))
            return _QUIET, "foreign"
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LIMITS_S.get(read.action, SAVE_S)
        async with asyncio.timeout_at(deadline):
            checked = await loop.run_in_executor(self._executor, self._check, agent, read, authenticated)
        if isinstance(checked, Refused):
            self.counts.refused_paths += 1
            self._log.info("hook_path_refused", agent=Word(agent.id), reason=phrase(checked.reason))
            return _QUIET, "refused_path"
        if checked.transcript is not None:
            self._ingest_queue.hint([checked.transcript.source])
        if not authenticated:
            return _QUIET, "hint"
        return await self._by_meaning(checked, deadline)

    async def _by_meaning(self, call: Call, deadline: float) -> tuple[Reply, HookOutcome]:
        match call.reading.action:
            case "session_start":
                return await self._start(call, deadline)
            case "prompt":
                if call.reading.provisional:
                    self.later(partial(self._work.finish, call))
                return await self._start(call, deadline)
            case "flush":
                with suppress(TimeoutError):  # however far it gets in time; the rest follows by itself
                    async with asyncio.timeout_at(deadline):
                        await self._work.save(call)
            case "turn_end":
                self.later(partial(self._work.finish, call))
            case "hint":
                if may_have_other_sources(call.transcript) and not call.agent.spec.hooks.spooled:
                    self.later(partial(self._work.hint, call))
        self.counts.quiet += 1
        return _QUIET, "quiet"

    async def _start(self, call: Call, deadline: float) -> tuple[Reply, HookOutcome]:
        text = None
        if call.project is not None:
            start = Start(
                agent=call.agent,
                reading=call.reading,
                transcript=call.transcript,
                project=call.project,
                roots=self._roots_of(call.agent),
            )
            is_start = call.reading.action == "session_start"
            give = self._starts.answer if is_start else self._starts.answer_prompt
            text = await give(start, deadline=deadline)
        if text is None or call.agent.hooks is None:
            self.counts.quiet += 1
            return _QUIET, "quiet"
        self.counts.answered += 1
        return Reply(200, call.agent.hooks.answer(text)), "answered"

    async def _count(self, agent_id: str, skipped: Skipped) -> None:
        await self._ledger.count_skipped(agent_id, [skipped], now_ms=_now_ms())

    def _roots_of(self, agent: Agent) -> tuple[Path, ...]:
        return tuple(root.path for root in self._roots() if root.agent_id == agent.id)

    def _check(self, agent: Agent, read: HookEvent, authenticated: bool) -> Call | Refused:
        """Blocks."""
        return check_call(agent, read, self._roots_of(agent), authenticated=authenticated, root_of=self._root_of)


def _put_in_spool(spool: Spool, agent: Agent, session: str, line: bytes) -> Path:
    """Keeps a line, after the calls that are pending. Blocks."""
    with suppress(OSError):  # they are tried again with the next rescan
        spool.collect(agent)
    return spool.keep(agent.id, session, line)


def _starts(read: HookEvent | Skipped | None) -> bool:
    """Whether a session starts with the call; None: it could not even be read."""
    return isinstance(read, HookEvent) and read.action == "session_start"


class HookWork:
    """What a call makes the daemon read, store and publish, before its answer or after it.

    `look_s`: how long it waits for a session's own sources at most, after an answer too.
    """

    def __init__(
        self,
        roots: Callable[[], tuple[TranscriptRoot, ...]],
        ledger: Ledger,
        ledger_path: Path,
        ingest_queue: IngestQueue,
        publish_queue: PublishQueue,
        *,
        root_of: FindRoot,
        look_s: float,
        executor: Executor,
    ) -> None:
        self._roots = roots
        self._ledger = ledger
        self._ledger_path = ledger_path
        self._ingest_queue = ingest_queue
        self._publish_queue = publish_queue
        self._root_of = root_of
        self._look_s = look_s
        self._executor = executor

    async def save(self, call: Call) -> None:
        """Read and publish what the session wrote."""
        await self._ingest_queue.look_at(await self._sources_of(call))
        await self._publish(call)

    async def finish(self, call: Call) -> None:
        """Handles the end of a turn: stores what the hook reported, or reads the transcript, and publishes soon."""
        self._publish_queue.publish_soon(*await self._store(call))

    async def hint(self, call: Call) -> None:
        """Let what may have changed be read soon."""
        self._ingest_queue.hint(await self._sources_of(call))

    async def _publish(self, call: Call) -> None:
        project_id = (await self._own_session(call)).project_id
        if project_id is not None:
            await self._publish_queue.publish_now(project_id)

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
        """What the hook reported early, as events of its session; none if that session can't be found in time."""
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
                await self._ingest_queue.look_at(await self._sources_of(call))
                return True
        return False

    async def _sources_of(self, call: Call) -> list[Source]:
        """Those that may hold what the call is about."""
        if call.transcript is not None and not may_have_other_sources(call.transcript):
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
