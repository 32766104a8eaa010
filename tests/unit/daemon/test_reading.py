from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import msgspec
import pytest

from carryover.adapter.contract import Batch
from carryover.agents import adapters
from carryover.config import Config
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import source_id
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.reading import BUSY_TRIES, MOST_NEW, IngestQueue, Rescanner
from carryover.daemon.watcher import Watcher
from carryover.ingest.pipeline import TOO_LARGE_MS, ingest
from carryover.ingest.spool import Spool
from carryover.ledger.batch import Committed
from carryover.ledger.events import session_events
from carryover.ledger.queries import session_by_prefix, totals
from carryover.model import UserPrompt
from carryover.platform import LINUX
from carryover.transcript.bounds import TooLarge
from carryover.transcript.jsonl import JsonlReader
from support.claude_session import ClaudeSession
from support.clock import Clock, LogLines
from support.codex_session import CodexSession
from support.platforms import on


class Desk:
    """A queue over a real ledger. `touched` is what it passed on: projects and the time of the newest event in each."""

    def __init__(self, context: DaemonContext) -> None:
        self.context = context
        self.touched: list[dict[int, int]] = []
        self.more_followed: list[bool] = []
        self.ended: list[bool] = []
        self.publish_queue = create_autospec(PublishQueue, instance=True)
        self.publish_queue.source_read.side_effect = self._note
        self.queue = IngestQueue(context, self.publish_queue, busy_again_s=0.0)

    def _note(self, read: Committed, more_follows: bool) -> None:
        self.touched.append(read.projects)
        self.more_followed.append(more_follows)
        self.ended.append(read.turn_ended)

    @asynccontextmanager
    async def at_work(self, *, live_only: Sequence[bool] = (True, False)) -> AsyncIterator[None]:
        """Workers read while the block lasts, as in the daemon one of what is live alone and one of all."""
        workers = [asyncio.ensure_future(self.queue.run(live_only=is_live)) for is_live in live_only]
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)

    async def read(self, *sessions: ClaudeSession) -> None:
        """Reads them to their end."""
        async with self.at_work():
            self.queue.read_soon([session.source for session in sessions])
            await self.queue.flush()

    def events(self) -> int:
        with self.context.read_ledger() as db:
            return totals(db).events


@pytest.fixture
async def desk(context: DaemonContext) -> Desk:
    return Desk(context)


async def test_a_long_source_is_passed_on_once_it_is_read_to_its_end(desk: Desk, session: ClaudeSession) -> None:
    """A handoff made from its first part would tell of things long past."""
    session.now -= timedelta(hours=1)
    session.append(b"".join(session.prompt_line(f"prompt {n}") for n in range(1200)))
    async with desk.at_work():
        desk.queue.read_in_order([session.source])
        await desk.queue.flush()

    assert desk.events() == 1201
    assert desk.touched == [{1: int(session.now.timestamp() * 1000)}]


async def test_a_source_that_cannot_be_read_is_reported_once_and_stops_no_other(
    desk: Desk, session: ClaudeSession, lines: list[str]
) -> None:
    session.prompt("Add a discount")
    odd = ClaudeSession(session.folder, session.cwd)
    odd.path.mkdir()
    for _ in range(2):
        await desk.read(odd, session)

    assert (desk.events(), desk.queue.broken) == (2, 1)
    assert [line for line in lines if "broken" in line] == [
        f"source_broken agent=claude-code source={source_id('claude-code', str(odd.path))} reason=not_a_regular_file"
    ]


async def test_it_is_passed_on_that_a_turn_of_the_main_conversation_has_ended(
    desk: Desk, session: ClaudeSession
) -> None:
    session.prompt("Add a discount")
    await desk.read(session)
    session.append(session.answer_line("I look first.", stop_reason="tool_use"))
    await desk.read(session)
    session.answer("Done.")
    await desk.read(session)

    assert desk.ended == [False, False, True]


async def test_while_the_ledger_is_locked_nothing_is_lost_and_it_is_said_why(
    desk: Desk, session: ClaudeSession, lines: LogLines
) -> None:
    session.prompt("Add a discount")
    await desk.context.ledger.write(lambda db: db.execute("PRAGMA busy_timeout = 10").fetchall())
    with closing(sqlite3.connect(desk.context.state.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with desk.at_work():
            await desk.queue.read_now([session.source])
            assert str(desk.queue.ledger_trouble).startswith("Another program keeps ")
            other.execute("COMMIT")
            await lines.until("source_read")  # it tries again by itself, after half a second

    assert desk.events() == 2
    assert [line.split()[0] for line in lines] == ["ledger_unavailable", "ledger_works_again", "source_read"]


class Odd(JsonlReader):
    """What it reads is changed by `change`, which gets the number of the look. It reads for Claude Code in `agents`."""

    def __init__(self, agents: dict[str, Any], change: Callable[[int, Batch], Batch]) -> None:
        super().__init__()
        self.looks = 0
        self._change = change
        agents["claude-code"] = replace(agents["claude-code"], reader=self)

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        self.looks += 1
        return self._change(self.looks, super().read(path, cursor))


async def test_a_source_whose_end_is_not_final_is_read_again_after_its_time(
    agents: dict[str, Any], context: DaemonContext, clock: Clock, session: ClaudeSession
) -> None:
    """It waits as a broken one does, but nothing is wrong with it, and nobody waits for it."""
    reader = Odd(agents, lambda look, batch: msgspec.structs.replace(batch, retry_after_s=60.0 if look == 1 else None))
    other = ClaudeSession(session.folder, session.cwd)
    for each in (session, other):
        each.prompt("Add a discount")
    context.clock = clock
    desk = Desk(context)
    await desk.read(session)
    assert (desk.queue.idle, desk.queue.broken, reader.looks) == (True, 0, 1)

    clock.now += 59
    await desk.read(other)
    assert reader.looks == 2

    clock.now += 2
    async with asyncio.timeout(20), desk.at_work():
        desk.queue.read_soon([other.source])
        while reader.looks < 4:  # noqa: ASYNC110 (it looks in another thread)
            await asyncio.sleep(0)
    assert desk.queue.broken == 0


async def test_agents_that_are_not_to_be_read_are_passed_by_until_they_are(desk: Desk, session: ClaudeSession) -> None:
    session.prompt("Add a discount function")
    desk.context.config = Config(paused=True)
    await desk.read(session)
    assert (desk.queue.idle, desk.touched) == (True, [])

    desk.context.config = Config()
    await desk.read(session)
    assert len(desk.touched) == 1


@pytest.mark.parametrize(("times", "found"), [(BUSY_TRIES, 2), (BUSY_TRIES + 1, 0)])
async def test_settling_waits_for_a_source_that_its_owner_is_writing_to(
    times: int, found: int, agents: dict[str, Any], desk: Desk, session: ClaudeSession
) -> None:
    """What was complete before is in it. It does not wait for ever."""

    def busy(look: int, batch: Batch) -> Batch:
        if look <= times:
            raise OSError(errno.EAGAIN, "the database is locked")
        return batch

    Odd(agents, busy)
    session.prompt("Add a discount")
    async with desk.at_work():
        desk.queue.read_in_order([session.source])
        await desk.queue.settle()

    assert (desk.events(), desk.queue.broken) == (found, 0 if found else 1)


async def test_a_source_that_is_too_large_is_reported_and_rests_whatever_changes_in_it(
    agents: dict[str, Any], context: DaemonContext, clock: Clock, session: ClaudeSession
) -> None:
    """Finding out takes long, so nothing waits for it again: no reader, and no command about another project."""
    loop, again = asyncio.get_running_loop(), asyncio.Event()

    def refuse(look: int, _batch: Batch) -> Batch:
        if look > 1:
            loop.call_soon_threadsafe(again.set)
        raise TooLarge

    context.clock = clock
    reader = Odd(agents, refuse)
    desk = Desk(context)
    rescanner = Rescanner(context, desk.queue, Spool(context.state))
    session.prompt("Add a discount")
    async with desk.at_work():
        for change in range(3):
            session.prompt(f"Now do step {change}")
            desk.queue.read_soon([session.source])
            await rescanner.rescan("settle", also_broken=True)
            await desk.queue.settle()
    with context.read_ledger() as db:
        [broken] = totals(db).broken
    assert (reader.looks, desk.queue.broken, broken.error) == (1, 1, "more entries than are read at once")
    assert broken.retry_ms > context.now_ms()

    clock.now += TOO_LARGE_MS / 1000 + 1
    async with desk.at_work():
        await asyncio.wait_for(again.wait(), 60)


async def test_a_database_that_is_always_busy_is_not_waited_for_any_more(
    agents: dict[str, Any], desk: Desk, session: ClaudeSession
) -> None:
    def busy(_look: int, _batch: Batch) -> Batch:
        raise OSError(errno.EAGAIN, "the database is locked")

    reader = Odd(agents, busy)
    session.prompt("Add a discount")
    looks = []
    async with desk.at_work():
        for _ in range(4):
            desk.queue.read_in_order([session.source])
            await desk.queue.settle()
            looks.append(reader.looks)

    assert looks[0] == BUSY_TRIES + 1
    assert looks[3] == looks[2] + 1


async def test_kept_calls_that_are_not_understood_are_counted_with_the_next_rescan(context: DaemonContext) -> None:
    agent = adapters()["windsurf"]
    context.known = {agent.spec.id: agent}
    pending = Spool(context.state).folder(agent.spec.id) / "pending" / "1.hook"
    pending.parent.mkdir(parents=True)
    pending.write_text("post_cascade_response\n/home/dev/shop\nno JSON\n")
    desk = Desk(context)

    await Rescanner(context, desk.queue, Spool(context.state)).rescan("start")

    with context.read_ledger() as db:
        assert [skipped.n for skipped in totals(db).skipped] == [1]


async def test_a_rescan_queues_what_changed_and_notes_what_vanished(
    desk: Desk, session: ClaudeSession, lines: LogLines
) -> None:
    rescanner = Rescanner(desk.context, desk.queue, Spool(desk.context.state))

    async def rescanned() -> list[str]:
        """What was logged of two rescans, after each of which what it queued is read."""
        lines.clear()
        for _ in range(2):
            await rescanner.rescan("safety_net")
            await desk.read()
        return [" ".join(line.split()[1:5]) for line in lines if line.startswith("swept")]

    session.prompt("Add a discount")
    os.utime(session.path, (time.time() - 3600,) * 2)
    assert await rescanned() == ["reason=safety_net sources=1 changed=1 gone=0"]
    assert (desk.context.transcripts, desk.events()) == (1, 2)
    aside = session.path.rename(session.path.with_suffix(".aside"))
    assert await rescanned() == ["reason=safety_net sources=0 changed=0 gone=1"]
    aside.rename(session.path)
    assert await rescanned() == ["reason=safety_net sources=1 changed=1 gone=0"]


@pytest.mark.parametrize("has_worked", [True, False], ids=["watched", "nothing_to_watch"])
async def test_the_first_rescan_is_made_once_folders_are_watched(
    desk: Desk, session: ClaudeSession, lines: LogLines, has_worked: bool
) -> None:
    """One before that would have to be made again: it does not see what changes until they are."""
    rescanner = Rescanner(desk.context, desk.queue, Spool(desk.context.state))
    watcher = Watcher(desk.context, desk.context.folders, rescanner)
    if has_worked:
        session.prompt("Add a discount")
    with on(LINUX):
        running = [asyncio.ensure_future(each.run()) for each in (rescanner, watcher)]
        await lines.until("swept")
        for task in running:
            task.cancel()
        await asyncio.wait(running)

    [swept] = [line for line in lines if line.startswith("swept")]
    assert swept.split()[1:3] == ["reason=watch_begun", f"sources={has_worked:d}"]


async def test_a_first_read_begins_with_the_newest_session_and_goes_on_with_its_project(
    desk: Desk, session: ClaudeSession, blog: Path
) -> None:
    """What Codex did there is found among its files, which lie by date, before the rest of an older project."""
    newest, other, older = session, ClaudeSession(session.folder, blog), ClaudeSession(session.folder, session.cwd)
    by_codex = CodexSession(desk.context.home / ".codex", session.cwd)
    desk.context.known = adapters()
    sessions: list[ClaudeSession | CodexSession] = [newest, other, by_codex, older]
    for age_h, each in enumerate(sessions, start=1):
        each.prompt("Add a discount")
        os.utime(each.path, (time.time() - 3600 * age_h,) * 2)

    rescanner = Rescanner(desk.context, desk.queue, Spool(desk.context.state))

    async def order() -> list[str]:
        await rescanner.rescan("start")
        taken = []
        while (key := desk.queue.pop()) is not None:
            taken.append(key[1])
            desk.queue.done(key)
        return taken

    in_order = [str(each.path) for each in (newest, by_codex, older, other)]
    assert await order() == in_order
    # Of the sources that are left, that of the other project is the newest.
    context = desk.context
    agent = context.agents["claude-code"]
    await ingest(context.ledger, agent, newest.source, root_of=context.paths.root_of, now_ms=context.now_ms)
    assert await order() == in_order[1:]


async def test_many_sources_that_come_later_are_put_in_order_too_and_wait_for_no_line(
    desk: Desk, session: ClaudeSession, blog: Path
) -> None:
    """Such as those that somebody copies from another machine while an agent works."""
    rescanner = Rescanner(desk.context, desk.queue, Spool(desk.context.state))
    session.prompt("Add a discount")
    os.utime(session.path, (time.time() - 3600,) * 2)
    await rescanner.rescan("start")
    await desk.read()
    copied = [ClaudeSession(session.folder, blog) for _ in range(MOST_NEW)]
    begun = ClaudeSession(session.folder, session.cwd)
    for age_h, each in enumerate([begun, *reversed(copied)], start=1):
        each.prompt("Add a discount")
        os.utime(each.path, (time.time() - 3600 * age_h,) * 2)

    rescanner.hear([session.source])
    rescanner.hear([each.source for each in (*copied, begun)])
    taken = [desk.queue.pop()]
    await rescanner.rescan("many_new")
    while (key := desk.queue.pop()) is not None:
        taken.append(key)
        desk.queue.done(key)
    assert [key[1] for key in taken if key] == [str(each.path) for each in (session, begun, *reversed(copied))]


async def test_a_session_that_begins_is_read_at_once_while_history_waits(desk: Desk, session: ClaudeSession) -> None:
    others = [ClaudeSession(session.folder, session.cwd) for _ in range(MOST_NEW + 1)]
    for each in (session, *others):
        each.prompt("Add a discount")
    rescanner = Rescanner(desk.context, desk.queue, Spool(desk.context.state))
    desk.queue.read_in_order([each.source for each in others])

    rescanner.hear([session.source])
    assert desk.queue.pop(live_only=True) == ("claude-code", str(session.path))


async def test_the_files_of_the_newest_thread_are_read_first_and_oldest_first(
    desk: Desk, session: ClaudeSession
) -> None:
    """Codex goes on in a further file after a rewind (0.171)."""
    desk.context.known = adapters()
    thread = CodexSession(desk.context.home / ".codex", session.cwd.with_name("blog"))
    thread.prompt("Add a discount")
    thread.prompt("Add a receipt")
    back = thread.rewound(thread.place)
    back.prompt("Add an invoice")
    session.prompt("Add a page")
    for age_h, path in enumerate((back.path, session.path, thread.path), start=1):
        os.utime(path, (time.time() - 3600 * age_h,) * 2)

    await Rescanner(desk.context, desk.queue, Spool(desk.context.state)).rescan("start")
    async with desk.at_work(live_only=[False]):  # two would read in an order that nobody knows
        await desk.queue.flush()
    with desk.context.read_ledger() as db:
        events = session_events(db, session_by_prefix(db, thread.session))
        asked = [each.body.text for each in events if isinstance(each.body, UserPrompt) and not each.retracted]

    assert asked == ["Add a discount", "Add an invoice"]
    assert desk.more_followed == [True, True, False]
    told = [name for name, *_ in desk.publish_queue.mock_calls]
    assert told[:4] == ["source_read", "source_read", "source_read", "history_read"]
