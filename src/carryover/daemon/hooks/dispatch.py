"""Handles each hook call according to its event's action, without delaying the agent.

    session_start  reads what is new on disk, answers with the handoff
    unheard_start  the same, without an answer: the client drops it, and the first prompt brings it
    flush          context is about to be lost: reads and publishes, then answers
    turn_end       answers at once, reads soon
    prompt         answers with the handoff only if the session lacks it
    hint           answers at once, reads soon

Whatever goes wrong, the answer is empty and in time. A session start that cannot be answered gets a 503; the hook's
script then has another process answer.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import STARTS, Agent, HookAction, HookEvent, Source
from carryover.agents import agent_id_of
from carryover.daemon.commands import Moves
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import HookCount
from carryover.daemon.hooks.call import (
    HookCall,
    Refused,
    changed_of_late,
    check_call,
    may_have_other_sources,
    own_session,
)
from carryover.daemon.hooks.session_start import Job, SessionStarts
from carryover.daemon.log import Word, phrase
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.reading import IngestQueue
from carryover.ingest.spool import Spool, SpoolFull
from carryover.ledger.commit import count_skipped
from carryover.ledger.queries import project_by_root, project_of_session
from carryover.model import Skipped
from carryover.probe.looks import Silent, looked_at
from carryover.text.pattern import later
from carryover.transcript.spooled import spool_line

START_S: Final = 0.85
"""Time limit; the hook's script waits for one second in all."""
SAVE_S: Final = 0.25
"""Time limit; the hook's script waits for 0.3 s in all."""
PROMPT_S: Final = 0.4
"""Time limit; the hook's script waits for 0.5 s in all."""
MOST_AT_ONCE: Final = 128
_THREADS: Final = 4
MOST_LOOKS: Final = 4
"""Maximum number of calls whose paths are looked at at the same time."""
MOST_KEPT: Final = 512
"""Maximum number of jobs waiting to be stored. More are dropped, since the transcripts contain the same."""
_SWITCH_S: Final = 0.0001
"""The interpreter's switch interval while a hook call is answered: an answer changes threads many times and may wait so
long each time. If it were always so short, a first read would take up to 7 % more processor time."""
_LIMITS_S: Final[dict[HookAction, float]] = {**dict.fromkeys(STARTS, START_S), "prompt": PROMPT_S}
_UNANSWERED: Final = ("late", "overloaded", "failed")
_EVENT: Final = later(r"[A-Za-z_]{1,40}")


class HookReply(msgspec.Struct, frozen=True):
    """Status and body of an answer. Only a 200 has a body."""

    status: int
    body: bytes = b""


_QUIET: Final = HookReply(204)


@dataclass(eq=False)
class HookAnswers:
    """Answers hook calls; `run` does what is left to do.

    reply = await hooks.call("claude-code", "SessionStart", payload)
    reply.status, reply.body  # 200 and what the hook prints, or 204 and nothing
    """

    context: DaemonContext
    ingest_queue: IngestQueue
    publish_queue: PublishQueue
    spool: Spool
    moves: Moves
    _left: asyncio.Queue[tuple[Job, asyncio.Future[Any]] | None] = field(default_factory=asyncio.Queue, init=False)
    _at_once: int = field(default=0, init=False)
    _usual_switch_s: float = field(default=0.0, init=False)
    """The interpreter's switch interval while no call is answered, in seconds."""
    looks: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, MOST_LOOKS), init=False)

    def __post_init__(self) -> None:
        self._pool = self.context.pool(_THREADS, "hook")
        self.starts = SessionStarts(self.context, self.ingest_queue, self.publish_queue, self.later, self.moves)

    async def call(self, agent_name: str, event: str, payload: bytes, *, cwd: str | None = None) -> HookReply:
        """Answers one call. Never raises. `cwd`: the folder that the hook ran in, if its script sent it."""
        agent_id = agent_id_of(agent_name)
        if agent_id is None or _EVENT.fullmatch(event) is None:
            return HookReply(404)
        agent = self.context.agents.get(agent_id)
        if agent is None or agent.hooks is None:
            return _QUIET
        event = next((name for name in agent.spec.hooks.events if name.lower() == event.lower()), event.lower())
        named = {"agent": Word(agent.id), "hook": Word(event if event in agent.spec.hooks.events else "other")}
        read: HookEvent | Skipped | None = None
        outcome: HookCount = "overloaded"
        reply = None
        to_keep = agent.spec.is_spooled and self.context.config.reads(agent.id)
        if not self._at_once:
            self._usual_switch_s = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_S)
        self._at_once += 1
        try:
            read = agent.hooks.read(event, payload)
            if self._at_once <= MOST_AT_ONCE:
                if isinstance(read, HookEvent):
                    read = msgspec.structs.replace(read, cwd=read.cwd or cwd)
                    if to_keep:
                        await self._keep(agent, event, payload, read, cwd)
                to_keep = False
                reply, outcome = await self._answer(agent, read)
        except Silent:  # nor would the hook's script find anything out there
            outcome, reply = "late", _QUIET
        except TimeoutError:
            outcome = "late"
            self.context.log.warning("hook_late", **named)
        except Exception as error:
            # An agent waits for this answer, and our errors must not become its problem.
            outcome = "failed"
            self.context.log.error("hook_failed", error, **named)
        finally:
            self._at_once -= 1
            if not self._at_once:
                sys.setswitchinterval(self._usual_switch_s)
        self.context.hook_calls["not_kept"] += to_keep
        self.context.hook_calls[outcome] += 1
        if isinstance(read, HookEvent) and read.action == "prompt" and outcome in _UNANSWERED:
            self.starts.miss_prompt(agent.id, read.session)
        starts = isinstance(read, HookEvent) and read.action in STARTS
        return reply or (HookReply(503) if to_keep or starts else _QUIET)

    async def run(self) -> None:
        """Does the deferred work of calls, one job after another, until drained."""
        while (left := await self._left.get()) is not None:
            job, done = left
            result = None
            try:
                result = await job()
            except Exception as error:
                await self.context.ledger.report(error)
                # Nothing is lost that the transcripts do not also contain; ledger errors show up when they are read.
                self.context.log.error("hook_not_stored", error)
            if not done.done():  # its caller has given up
                done.set_result(result)

    def later(self, job: Job) -> asyncio.Future[Any]:
        """Queues `job`, which runs to its end even if the caller gives up waiting for what it returns, None if it
        fails, or if it is dropped since too many are waiting."""
        done = asyncio.get_running_loop().create_future()
        if self._left.qsize() < MOST_KEPT:
            self._left.put_nowait((job, done))
        else:
            self.context.hook_calls["overloaded"] += 1
            done.set_result(None)
        return done

    def drain(self) -> None:
        """Makes `run` end once all queued jobs are done."""
        self._left.put_nowait(None)

    async def _keep(self, agent: Agent, event: str, payload: bytes, read: HookEvent, cwd: str | None) -> None:
        """Keeps a payload before it is answered. Raises OSError or TimeoutError; the hook's script then keeps it."""
        spool, line = self.spool, spool_line(event, payload, at_ms=self.context.now_ms(), cwd=cwd)
        if line is None:
            return

        def put() -> Path:
            with suppress(OSError):  # earlier ones are tried again with the next rescan
                spool.collect(agent)
            return spool.keep(agent.id, read.session, line)

        try:
            async with asyncio.timeout(SAVE_S):
                path = await asyncio.get_running_loop().run_in_executor(self._pool, put)
        except SpoolFull:
            self.context.hook_calls["not_kept"] += 1
            self.context.log.warning("spool_full", agent=Word(agent.id))
            return
        self.context.hook_calls["kept"] += 1
        source = agent.source_of(path, spool.folder(agent.id))
        if source is not None:
            self.ingest_queue.read_soon([source])
        if read.action == "turn_end":
            self.later(partial(asyncio.to_thread, spool.finish_turn, path, read.transcript))

    async def _answer(self, agent: Agent, read: HookEvent | Skipped) -> tuple[HookReply, HookCount]:
        if isinstance(read, Skipped):
            context = self.context
            self.later(partial(context.ledger.write, count_skipped, agent.id, [read], at_ms=context.now_ms()))
            return _QUIET, "foreign"
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LIMITS_S.get(read.action, SAVE_S)

        def check() -> HookCall:
            roots = tuple(root.path for root in self.context.folders() if root.agent_id == agent.id)
            return check_call(agent, read, roots, root_of=self.context.paths.root_of)

        try:
            async with asyncio.timeout_at(deadline):
                async with self.looks:
                    call = await looked_at(self.context.state.root, check, soon=True)
        except Refused as refused:
            self.context.log.info("hook_path_refused", agent=Word(agent.id), reason=phrase(str(refused)))
            return _QUIET, "refused_paths"
        if call.transcript is not None and read.action not in STARTS:  # a start reads it before it is answered
            self.ingest_queue.read_soon([call.transcript])
        text = await self._by_meaning(call, deadline)
        if text is None or agent.hooks is None:
            return _QUIET, "quiet"
        return HookReply(200, agent.hooks.answer(text)), "answered"

    async def _by_meaning(self, call: HookCall, deadline: float) -> str | None:
        """Does what a call asks for, now or later; returns the text that its session gets."""
        match call.reading.action:
            case "session_start" | "unheard_start" if call.project is not None:
                return await self.starts.answer(call, deadline=deadline)
            case "prompt" if call.project is not None:
                return await self.starts.answer_prompt(call, deadline=deadline)
            case "flush":
                with suppress(TimeoutError):  # as far as it gets in time; the rest is read later anyway
                    async with asyncio.timeout_at(deadline):
                        await self._save(call)
            case "turn_end" | "hint":
                if may_have_other_sources(call.transcript) and not call.agent.spec.is_spooled:
                    self.later(partial(self._hint, call))
        return None

    async def _save(self, call: HookCall) -> None:
        """Reads and publishes what the session has written."""
        await self.ingest_queue.read_now(await self._sources_of(call))
        if (project_id := await self._project_of(call)) is not None:
            await self.publish_queue.do_now([project_id])

    async def _hint(self, call: HookCall) -> None:
        self.ingest_queue.read_soon(await self._sources_of(call))

    async def _sources_of(self, call: HookCall) -> list[Source]:
        if call.transcript is not None and not may_have_other_sources(call.transcript):
            return [call.transcript]
        look = partial(changed_of_late, call.agent, call.transcript, call.roots, now_ms=self.context.now_ms())
        return await looked_at(self.context.state.root, look, soon=True)

    async def _project_of(self, call: HookCall) -> int | None:
        """Returns the project of the session that calls; None if the ledger does not know the session."""
        root = call.project.root if call.project is not None else None

        def ask() -> int | None:
            with self.context.read_ledger() as db:
                row = project_by_root(db, root) if root is not None else None
                own = own_session(db, call.agent.id, call.reading.session, row)
                return project_of_session(db, call.agent.id, own)

        return await asyncio.get_running_loop().run_in_executor(self._pool, ask)
