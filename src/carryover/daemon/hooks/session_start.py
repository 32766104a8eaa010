"""Answers a session that starts with its project's handoff, after reading what is new on disk for a short time.

In a project where no session was seen before there is nothing to hand over. Its files are prepared then, before the
first prompt, so that the pointers are in place when the agent reads its instruction files.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, HookEvent, Source, StartReason
from carryover.config import Config, project_settings
from carryover.daemon.hooks.lookup import (
    OwnSession,
    changed_of_late,
    changed_siblings,
    may_have_other_sources,
    own_session,
)
from carryover.daemon.hooks.shared_work import SharedWork
from carryover.daemon.hooks.validate import Transcript
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.publish_queue import PublishQueue
from carryover.distill.header import PLACEHOLDER
from carryover.facts import ProjectRoot
from carryover.fsio import read_bytes_bounded
from carryover.ledger.batch import SourceState
from carryover.ledger.queries import connect_read_only, published_git
from carryover.ledger.store import Ledger
from carryover.publish.answer import start_answer
from carryover.publish.handoff_file import HANDOFF, STORE
from carryover.publish.policy import refusal
from carryover.publish.project_files import publish
from carryover.publish.project_root import AgentFolders
from carryover.publish.refresh import Refreshed

CATCH_UP_S: Final = 0.4
"""For reading what is new on disk. What is not read by then is missing from the answer."""

FOLLOW_S: Final = 0.2
"""For finding out that the project was moved here. If that takes longer, its past is handed over at the next start."""


MOST_WAITING: Final = 4
"""Sources that may wait to be read while an answer is begun early: the session's own, and few others."""

JUST_GIVEN_MS: Final = 3_000
"""A start that comes so soon after a prompt belongs to it: the agent calls the hook of the prompt first."""
MOST_GIVEN: Final = 512
"""Sessions of which it is known when they got the handoff."""


_BEGINS: Final[tuple[StartReason, ...]] = ("startup", "clear")
"""The reasons for which a session has no past."""

Job = Callable[[], Awaitable[None]]


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A session that starts, its paths checked."""

    agent: Agent
    reading: HookEvent
    transcript: Transcript | None
    project: ProjectRoot
    """Of the folder it starts in."""
    roots: tuple[Path, ...] = ()
    """Where its agent keeps transcripts."""


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """When a session got the handoff: UTC milliseconds."""

    at_ms: int = 0
    with_prompt: bool = False


_NEVER: Final = _Given()


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    own: OwnSession
    project_id: int | None
    """Whose handoff the session gets."""
    is_unprepared: bool
    """The project may have a handoff, and has none."""


class SessionStarts:
    """See the module.

    `follow` finds what was recorded of a project before it was moved. `started_in` gets the id of a project before its
    files are prepared. `later` takes work that must not be cancelled when the time for the answer is over: cancelling a
    write to the ledger would block the caller.
    """

    def __init__(
        self,
        ledger: Ledger,
        ledger_path: Path,
        ingest_queue: IngestQueue,
        publish_queue: PublishQueue,
        *,
        config: Callable[[], Config],
        last_sweep_ms: Callable[[], int | None],
        started_in: Callable[[int], None],
        later: Callable[[Job], None],
        home: Path,
        executor: Executor,
        agents_own: AgentFolders | None = None,
        follow: Callable[[ProjectRoot], Awaitable[object]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._ledger_path = ledger_path
        self._ingest_queue = ingest_queue
        self._publish_queue = publish_queue
        self._config = config
        self._last_sweep_ms = last_sweep_ms
        self._started_in = started_in
        self._later = later
        self._home = home
        self._agents_own = agents_own
        self._executor = executor
        self._follow = follow
        self._given: dict[tuple[str, str], _Given] = {}
        self._owed: dict[tuple[str, str], Start] = {}
        self._texts: SharedWork[str | None] = SharedWork()
        self._follows: SharedWork[None] = SharedWork()

    async def answer(self, start: Start, *, deadline: float) -> str | None:
        """The text for the session, None where it gets none. `deadline`: by the event loop's clock.

        Raises TimeoutError when it could not be made until then.
        """
        loop = asyncio.get_running_loop()
        given = self._given.get(_name_of(start), _NEVER)
        if given.with_prompt and _now_ms() - given.at_ms < JUST_GIVEN_MS:
            return None
        revision, early = self._ledger.revision, self._begin_early(start)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(deadline, loop.time() + CATCH_UP_S)):
                    await self._catch_up(start)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(deadline, loop.time() + FOLLOW_S)):
                    await self._find_past(start.project)
            async with asyncio.timeout_at(deadline):
                holds = early is not None and self._ledger.revision == revision
                place, text = await (early if early is not None and holds else self._make_answer(start))
        finally:
            if early is not None:
                early.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._prepare(start, place)
        if start.agent.hooks is not None and start.reading.reason in start.agent.hooks.drops:
            self._owe(start)
            return None
        self._note_given(start, text)
        return text

    def _begin_early(self, start: Start) -> asyncio.Task[tuple[_Place, str | None]] | None:
        """The answer as it is before anything is read. It holds where reading brings nothing, which is the rule.

        None while transcripts wait to be read: what they bring would make it worthless.
        """
        if self._ingest_queue.waiting > MOST_WAITING:
            return None
        early = asyncio.create_task(self._make_answer(start))
        early.add_done_callback(_seen)
        return early

    def _owe(self, start: Start) -> None:
        name = _name_of(start)
        self._owed.pop(name, None)
        self._owed[name] = start
        if len(self._owed) > MOST_GIVEN:
            del self._owed[next(iter(self._owed))]

    def _note_given(self, start: Start, text: str | None) -> None:
        if text is None or start.agent.hooks is None or start.agent.hooks.lost is None:
            return
        name = _name_of(start)
        self._given.pop(name, None)
        self._given[name] = _Given(at_ms=_now_ms(), with_prompt=start.reading.action == "prompt")
        if len(self._given) > MOST_GIVEN:
            del self._given[next(iter(self._given))]

    async def answer_prompt(self, start: Start, *, deadline: float) -> str | None:
        """The text for a prompt of a session that lost its handoff in a compaction, or whose client did not use it at
        the start; None for others.

        Raises TimeoutError when it could not be made until `deadline`.
        """
        hooks = start.agent.hooks
        loop = asyncio.get_running_loop()
        if (owed := self._owed.pop(_name_of(start), None)) is not None:
            async with asyncio.timeout_at(deadline):
                return (await self._make_answer(owed))[1]
        if hooks is None or hooks.lost is None:
            return None
        async with asyncio.timeout_at(deadline):
            sources = await loop.run_in_executor(self._executor, _own_sources, start)
            await self._ingest_queue.look_at(sources)
            states = [await self._ledger.source_state(source) for source in sources]
            lost_ms = max((hooks.lost(_context_of(start.agent, state)) for state in states), default=0)
            # A resumed session got it with its start, which its log may not show yet.
            if lost_ms <= self._given.get(_name_of(start), _NEVER).at_ms:
                return None
            _, text = await self._make_answer(start)
        self._note_given(start, text)
        return text

    async def _catch_up(self, start: Start) -> None:
        if start.transcript is None or may_have_other_sources(start.transcript):
            look = partial(changed_of_late, start.agent, start.transcript, start.roots, now_ms=_now_ms())
        else:
            look = partial(changed_siblings, start.agent, start.transcript, since_ms=self._last_sweep_ms())
        await self._ingest_queue.look_at(await asyncio.get_running_loop().run_in_executor(self._executor, look))

    async def _find_past(self, project: ProjectRoot) -> None:
        """Let what was recorded before the project was moved be found, unless that takes too long."""
        if self._follow is not None:
            await self._follows.result(project, partial(self._follow_later, self._follow, project))

    async def _follow_later(self, follow: Callable[[ProjectRoot], Awaitable[object]], project: ProjectRoot) -> None:
        found: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._later(partial(self._follow_and_say, follow, project, found))
        async with asyncio.timeout(FOLLOW_S):  # it is dropped where too much waits already
            await found

    async def _follow_and_say(
        self, follow: Callable[[ProjectRoot], Awaitable[object]], project: ProjectRoot, found: asyncio.Future[None]
    ) -> None:
        try:
            await follow(project)
        finally:
            if not found.done():
                found.set_result(None)

    async def _make_answer(self, start: Start) -> tuple[_Place, str | None]:
        """Where the session gets its handoff from, and its text. Reads only."""
        run = partial(asyncio.get_running_loop().run_in_executor, self._executor)
        place = await run(self._place_of, start)
        if place.project_id is None:
            return place, None
        text = partial(run, self._text, start, place.own.id, place.project_id)
        if place.own.project_id is not None or _reason(start) not in _BEGINS:
            return place, await text()
        # Nothing is known of the session, so it gets what every other gets that begins here now.
        return place, await self._texts.result((place.project_id, _reason(start), _forgets(start)), text)

    def _place_of(self, start: Start) -> _Place:
        """Blocks; reads only."""
        with closing(connect_read_only(self._ledger_path)) as db:
            own = own_session(db, start.agent.id, start.reading.session, start.project.root)
        # A conversation that was compacted in its midst may have gone elsewhere by `cd` since it began.
        moved = _reason(start) == "compact" and start.reading.cwd_moves
        project_id = own.project_id if moved else None
        project_id = project_id or own.here_id
        is_unprepared = project_id == own.here_id and awaits_handoff(
            Path(start.project.root), self._config(), home=self._home, agents_own=self._agents_own
        )
        return _Place(own=own, project_id=project_id, is_unprepared=is_unprepared)

    def _text(self, start: Start, session: str, project_id: int) -> str | None:
        """Blocks; reads only."""
        with closing(connect_read_only(self._ledger_path)) as db:
            return start_answer(
                db,
                project_id,
                self._config(),
                reason=_reason(start),
                session=session,
                idle_s=start.reading.idle_s,
                now_ms=_now_ms(),
                then=published_git(db, project_id),
                agents_own=self._agents_own,
                forgets=_forgets(start),
            )

    async def _prepare(self, start: Start, place: _Place) -> None:
        if not place.is_unprepared:
            return
        known: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._later(partial(self._register_project, start.project, place.project_id, known))
        await self._publish_queue.publish_now(await known)

    async def _register_project(self, project: ProjectRoot, project_id: int | None, known: asyncio.Future[int]) -> None:
        """Let the ledger know `project`, and `known` its id, unless no call waits for that any more."""
        if project_id is None:
            project_id = await self._ledger.know_project(project.root, project.main_root, now_ms=_now_ms())
        self._started_in(project_id)
        if known.done():
            self._publish_queue.publish_soon([project_id], 0)
        else:
            known.set_result(project_id)


def _seen(early: asyncio.Task[tuple[_Place, str | None]]) -> None:
    """Takes note of an error: one that counts is met again."""
    if not early.cancelled():
        early.exception()


def _name_of(start: Start) -> tuple[str, str]:
    return start.agent.id, start.reading.session


def _forgets(start: Start) -> bool:
    return start.agent.hooks is not None and start.agent.hooks.forgets


def _reason(start: Start) -> StartReason:
    """Why the session gets the handoff. A prompt gets it for the sake of a compaction only."""
    return start.reading.reason or "compact"


def _own_sources(start: Start) -> list[Source]:
    """The sources that hold the session by their names, and the one that the call named. Blocks."""
    named = [start.transcript.source] if start.transcript is not None else []
    session = start.reading.session
    found = (source for root in start.roots for source in start.agent.sources(root) if source.session == session)
    return [*named, *(source for source in found if source not in named)]


def _context_of(agent: Agent, state: SourceState | None) -> msgspec.Struct:
    """What the agent remembers of a source; what it begins with where nothing is known, or in another form."""
    if state is None:
        return agent.context_type()
    try:
        context: msgspec.Struct = msgspec.json.decode(state.context, type=agent.context_type)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return agent.context_type()
    return context


def _now_ms() -> int:
    return int(time.time() * 1000)


def awaits_handoff(root: Path, config: Config, *, home: Path, agents_own: AgentFolders | None = None) -> bool:
    """Whether the project at `root` may have a handoff and has none yet. The placeholder is none."""
    settings = project_settings(root, config)
    if settings.excluded is not None or not _is_free(settings.folder or root / STORE):
        return False
    return settings.folder is not None or refusal(root, home=home, agents_own=agents_own) is None


def with_placeholder(made: Refreshed, *, home: Path, agents_own: AgentFolders | None = None) -> Refreshed:
    """Publishes the placeholder, and all that belongs to a handoff, where there is nothing to hand over and no handoff.

    A handoff that is there already stays. What is right is not touched, so a second time changes nothing.
    """
    root = Path(made.root)
    if made.text is not None or not _is_free(made.settings.folder or root / STORE):
        return made
    published = publish(root, PLACEHOLDER, made.settings, home=home, agents_own=agents_own)
    return msgspec.structs.replace(made, published=published)


def _is_free(folder: Path) -> bool:
    """True where there is no handoff, or the placeholder: its writer may have been stopped before the rest."""
    placeholder = PLACEHOLDER.encode()
    try:
        return read_bytes_bounded(folder / HANDOFF, len(placeholder), follow=False) == placeholder
    except FileNotFoundError:
        return True
    except OSError as error:
        return error.errno == errno.ENOTDIR
