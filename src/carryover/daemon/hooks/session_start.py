"""Answers a starting session with its project's handoff, after spending a short time on reading what is new on disk.

If the handoff is not in its file, as in a new worktree, it is put there before the first prompt.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from carryover.adapter.contract import Source
from carryover.daemon.commands import Moves
from carryover.daemon.context import DaemonContext
from carryover.daemon.hooks.call import (
    HookCall,
    beginning,
    changed_of_late,
    changed_siblings,
    may_have_other_sources,
)
from carryover.daemon.log import Word
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.reading import IngestQueue
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import stored_context
from carryover.ledger.queries import project_by_root, published_git
from carryover.ledger.sessions import know_project
from carryover.probe.looks import Silent, look_at, look_at_each, looked_at
from carryover.publish.answers import AnswerTime
from carryover.publish.publish import awaits_handoff
from carryover.transcript.sources import sources_of

CATCH_UP_S: Final = 0.4
"""Time for reading what is new on disk. Anything not read by then is missing from the answer."""
FOLLOW_S: Final = 0.2
"""Time for finding out that the project was moved here. If it takes longer, the next start gets its past."""
JUST_GIVEN_MS: Final = 3_000
"""A session start within this time of a prompt belongs to that prompt, whose hook the agent calls first."""
MOST_ANSWERS: Final = 4
"""Maximum number of answers that are made at the same time."""
SHARED_MS: Final = 1_000
"""Sessions that start within this time share an answer, unless something was recorded meanwhile: a window that restores
its tabs starts many at once. Longer than a slow machine takes to make one, or each would make its own."""
_BEGINS: Final = ("startup", "clear")
"""Why a session starts that knows nothing yet."""
MOST_SESSIONS: Final = 512
"""Number of sessions of which is remembered what they got."""
Job = Callable[[], Awaitable[object]]


@dataclass(eq=False, slots=True)
class _Session:
    """What one session got, and what it lacks."""

    given_ms: int = 0
    """When it got the handoff, UTC ms."""
    with_prompt: bool = False
    missed: bool = False
    """Whether its last prompt was not answered in time, so that it is not known whether it lacked the handoff."""
    owed: HookCall | None = None
    """If it lacks the handoff: the call by which its next prompt gets it."""


class _Answer(NamedTuple):
    """What a session gets, and what is known of its project."""

    text: str | None
    project_id: int | None
    is_unprepared: bool
    """Whether the project may have a handoff but has none."""


@dataclass(eq=False)
class SessionStarts:
    """Answers session starts, and prompts of sessions that lost their handoff."""

    context: DaemonContext
    ingest_queue: IngestQueue
    publish_queue: PublishQueue
    later: Callable[[Job], asyncio.Future[Any]]
    """Runs what a timeout must not end between two steps, of which the second makes the first known to others."""
    moves: Moves
    """Finds what was recorded of a project before it was moved."""
    prepared: set[int] = field(default_factory=set, init=False)
    """Projects in which a session has started before their handoff was in its file."""
    answers: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, MOST_ANSWERS), init=False)
    _sessions: dict[tuple[str, str], _Session] = field(default_factory=dict, init=False)
    """By agent and id; the one that was heard of last is the last."""
    _shared: dict[int | ProjectRoot, AnswerTime] = field(default_factory=dict, init=False)
    """A moment of each project."""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    async def answer(self, start: HookCall, *, deadline: float) -> str | None:
        """Returns the text for the session, if any: the one in the handoff's file if none can be made in time.

        Raises TimeoutError after `deadline`, on the event loop's clock, if there is none, or if the session may not
        need one.
        """
        loop, here, session = asyncio.get_running_loop(), start.project, self._session(start)
        assert here is not None, "such calls name a folder"
        now_ms = self.context.now_ms()
        if session.with_prompt and abs(now_ms - session.given_ms) < JUST_GIVEN_MS:  # the clock may go back
            return None
        # Noted before it is made: a prompt may come meanwhile, and if this is late, the hook's script has an answer.
        if is_dropped := start.reading.action == "unheard_start":
            session.owed = start
        else:
            session.given_ms, session.with_prompt, session.owed = now_ms, False, None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(deadline, loop.time() + CATCH_UP_S)):
                await self._catch_up(start)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(deadline, loop.time() + FOLLOW_S)):
                await self.later(partial(self.moves.follow, here))
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._make_answer(start)
        except Silent:
            raise
        except TimeoutError:
            # Another process would need as long. What the file says is at most a moment old.
            if is_dropped or start.reading.reason not in _BEGINS or not (last := self.publish_queue.last_of(here.root)):
                raise
            self.context.log.info("last_handoff_given", agent=Word(start.agent.id))
            project_id, text = last
            self.publish_queue.pages.want(project_id)
            return text
        if answer.project_id is not None:
            self.publish_queue.pages.want(answer.project_id)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._prepare(here, answer)
        return None if is_dropped else answer.text

    async def answer_prompt(self, prompt: HookCall, *, deadline: float) -> str | None:
        """Returns the text for a prompt of a session that lacks its handoff; None for others. Raises TimeoutError."""
        session = self._session(prompt)
        async with asyncio.timeout_at(deadline):
            if session.owed is None and await self._has_lost_it(prompt, session):
                session.owed = prompt
            if (owed := session.owed) is None:
                return None
            text = (await self._make_answer(owed)).text
        # A start that came meanwhile brings it (Copilot 1.0.102 calls both hooks at once).
        is_owed, session.owed = session.owed is not None, None
        if not is_owed or text is None:
            return None
        session.given_ms, session.with_prompt = self.context.now_ms(), True
        return text

    def miss_prompt(self, agent_id: str, session: str) -> None:
        """Notes that a prompt was not answered: the next one gets what this one lacked."""
        self._session_of(agent_id, session).missed = True

    def _session(self, call: HookCall) -> _Session:
        return self._session_of(call.agent.id, call.reading.session)

    def _session_of(self, agent_id: str, session_id: str) -> _Session:
        name = agent_id, session_id
        session = self._sessions[name] = self._sessions.pop(name, _Session())
        if len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    async def _has_lost_it(self, prompt: HookCall, session: _Session) -> bool:
        if prompt.agent.hooks is None or prompt.agent.hooks.forgets != "compaction":
            return False

        def own_sources() -> list[Source]:
            found = (
                source for _, each in look_at_each(prompt.roots, partial(sources_of, prompt.agent)) for source in each
            )
            return [source for source in found if source.session == prompt.reading.session]

        sources = await looked_at(self.context.state.root, own_sources, soon=True)
        await self.ingest_queue.read_now(sources)
        states = [await self.context.ledger.source_state(source) for source in sources]
        contexts = filter(None, (stored_context(prompt.agent, state) for state in states))
        lost_ms = max((each.compacted_ms for each in contexts if session.missed or not each.prompted), default=0)
        session.missed = False
        # A resumed session gets it at its start, which its log may not show yet.
        return lost_ms > session.given_ms

    async def _catch_up(self, start: HookCall) -> None:
        if start.transcript is None or may_have_other_sources(start.transcript):
            look = partial(changed_of_late, start.agent, start.transcript, start.roots, now_ms=self.context.now_ms())
        else:
            since_ms = self.context.last_rescan_ms
            siblings = partial(changed_siblings, start.agent, start.transcript, start.roots, since_ms=since_ms)
            look = partial(look_at, Path(start.transcript.path).parent, siblings)
        await self.ingest_queue.read_now(await looked_at(self.context.state.root, look, soon=True))

    async def _make_answer(self, start: HookCall) -> _Answer:
        assert start.project is not None, "such calls name a folder"
        try:
            async with self.answers:
                return await looked_at(start.project.root, partial(self._answer_of, start), soon=True)
        finally:
            # They hold much of the ledger in memory.
            asyncio.get_running_loop().call_later(2 * SHARED_MS / 1000, self._forget_moments)

    def _answer_of(self, start: HookCall) -> _Answer:
        assert start.project is not None, "such calls name a folder"
        context, (root, main_root) = self.context, (start.project.root, start.project.main_root)
        revision = context.ledger.revision  # before the ledger is read, which may then show more
        with context.read_ledger() as db:
            row = project_by_root(db, root)
            project_id, begins = beginning(db, start, row)
            if project_id is None and main_root is None:
                return _Answer(None, None, is_unprepared=False)
            is_here = project_id == (row.id if row is not None else None)
            is_unprepared = is_here and awaits_handoff(Path(root), context.config, context.paths)
            moment = self._moment(
                AnswerTime(
                    project=project_id or start.project,
                    config=context.config,
                    now_ms=context.now_ms(),
                    then=published_git(db, project_id),
                    revision=revision,
                )
            )
            return _Answer(moment.answer(db, begins), project_id, is_unprepared)

    def _moment(self, now: AnswerTime) -> AnswerTime:
        """Returns the moment that its project is in already, or else begins this one."""
        with self._lock:
            moment = self._shared.get(now.project)
            if moment is None or not self._is_shared(moment, now.now_ms, now.revision):
                moment = self._shared[now.project] = now
            return moment

    def _is_shared(self, moment: AnswerTime, now_ms: int, revision: int) -> bool:
        is_same = moment.revision == revision and moment.config is self.context.config
        return is_same and abs(now_ms - moment.now_ms) < SHARED_MS

    def _forget_moments(self) -> None:
        now_ms, revision = self.context.now_ms(), self.context.ledger.revision
        with self._lock:
            kept = {of: moment for of, moment in self._shared.items() if self._is_shared(moment, now_ms, revision)}
            self._shared = kept

    async def _prepare(self, project: ProjectRoot, answer: _Answer) -> None:
        async def register() -> int:
            project_id = answer.project_id
            if project_id is None:
                project_id = await self.context.ledger.write(know_project, project.root, project.main_root)
            self.prepared.add(project_id)
            if known.done():  # no call is waiting for it any more
                self.publish_queue.mark_dirty([project_id], 0, urgent=True)
            return project_id

        if answer.is_unprepared:
            known = self.later(register)
            if (registered := await known) is not None:  # else the ledger can't be written
                await self.publish_queue.do_now([registered])
