"""A second page is made when its project is quiet, or after a pause."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from carryover.daemon.context import DaemonContext
from carryover.daemon.second_pages import BETWEEN_PAGES_S, CAP_S, QUIET_S, SecondPages
from carryover.distill.entry import Entry, Section
from carryover.distill.handoff import Handoff
from carryover.projects.handoff_file import Published
from carryover.publish.make import MadeHandoff
from support.clock import LogLines


class Desk:
    """Second pages whose text is how often they were written, on a clock that stands still."""

    def __init__(self, context: DaemonContext, home: Path) -> None:
        self.at_s = 0.0
        self.page = home / "more.md"
        self.written = 0
        self.fails = False
        self.began, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()
        context.clock = lambda: self.at_s
        self.in_history = False
        self.starts_until_s = 0.0
        """Until this time, a session starts in the project `starts_in` whenever the queue waits."""
        self.starts_in = 2
        self.begun_s: list[float] = []
        self.pages = SecondPages(context, in_history=lambda: self.in_history, write=self._write, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.at_s += seconds
        if self.at_s < self.starts_until_s:
            self.pages.want(self.starts_in)

    def _write(self, *_: object, **__: object) -> bool:
        self.begun_s.append(self.at_s)
        self.began.set()
        assert self.goes_on.wait(20)
        if self.fails:
            raise KeyError("words from a transcript")
        self.written += 1
        self.page.write_text(str(self.written))
        return True

    def published(self, task: str = "Bake", *, at_work: bool = False, has_page: bool = True) -> None:
        sections = (Section("Task", (Entry(text=task, kind="prompt"),)),)
        handoff = Handoff(updated_ms=1, agent="A", resume="ask", session="s1", head=None, sections=sections, depth=8000)
        made = MadeHandoff(
            root=str(self.page.parent),
            settings=None,  # type: ignore[arg-type]
            handoff=handoff,
            text=None,
            git=None,
            at_work=at_work,
        )
        page = self.page if has_page else None
        self.pages.published(1, replace(made, published=Published(file=self.page.with_name("handoff.md"), page=page)))

    async def due(self) -> int:
        """Makes what is due by now; how many pages were written so far."""
        while (key := self.pages.pop()) is not None:
            await self.pages.handle(key)
            self.pages.done(key)
        return self.written


@pytest.fixture
async def desk(context: DaemonContext, home: Path) -> AsyncIterator[Desk]:
    context.ledger  # noqa: B018 (it exists before the page is made)
    yield Desk(context, home)


async def test_it_is_made_when_the_turn_has_ended(desk: Desk) -> None:
    desk.published()

    assert await desk.due() == 1


async def test_at_work_it_is_made_after_a_pause_however_often_a_handoff_is_published(desk: Desk) -> None:
    for desk.at_s in (0, BETWEEN_PAGES_S / 2, BETWEEN_PAGES_S - 1):
        desk.published(f"Bake until {desk.at_s}", at_work=True)
        assert await desk.due() == 0

    desk.at_s = BETWEEN_PAGES_S
    assert await desk.due() == 1


async def test_while_old_history_is_read_it_waits_for_the_end_of_it(desk: Desk) -> None:
    desk.in_history = True
    desk.published("Bake")
    for desk.at_s in (0, BETWEEN_PAGES_S, 9 * BETWEEN_PAGES_S):
        assert await desk.due() == 0

    desk.in_history = False
    desk.at_s += BETWEEN_PAGES_S
    assert await desk.due() == 1


async def test_a_handoff_after_the_end_of_old_history_brings_the_page_at_once(desk: Desk) -> None:
    desk.in_history = True
    desk.published("Bake")
    assert await desk.due() == 0

    desk.in_history = False
    desk.published("Bake bread")
    assert await desk.due() == 1


async def test_a_session_start_makes_the_page_soon_after(desk: Desk) -> None:
    desk.pages.want(1)
    desk.published(at_work=True)
    desk.pages.want(1)

    assert await desk.due() == 1
    desk.pages.want(1)
    assert await desk.due() == 1


async def test_where_sessions_start_pages_are_made_while_old_history_is_read_too(desk: Desk) -> None:
    desk.in_history = True
    desk.pages.want(1)  # which has no handoff yet
    for made in range(3):
        desk.published()
        assert await desk.due() == made, "as if an agent were at work"
        desk.at_s += BETWEEN_PAGES_S
        assert await desk.due() == made + 1

    desk.published()
    desk.pages.want(1)
    assert await desk.due() == 4


@pytest.mark.parametrize(("starts_until_s", "begun_s"), [(0.0, QUIET_S), (3.0, 3.0 + QUIET_S), (1000.0, CAP_S)])
async def test_no_page_is_begun_while_sessions_start_until_it_has_waited_long_enough(
    desk: Desk, starts_until_s: float, begun_s: float
) -> None:
    desk.starts_until_s = starts_until_s
    desk.published(at_work=True)
    desk.pages.want(1)

    assert await desk.due() == 1
    assert desk.begun_s == [pytest.approx(begun_s, abs=0.25)]


async def test_a_daemon_that_stops_makes_due_pages_at_once(desk: Desk) -> None:
    desk.published()
    desk.pages.want(1)
    desk.pages.drain()

    assert await desk.due() == 1
    assert desk.begun_s == [0.0]


async def test_a_page_that_a_caller_waits_for_is_made_at_once(desk: Desk) -> None:
    """The old page shows the forgotten session until then."""
    desk.published()
    desk.pages.want(1)
    forgotten = asyncio.create_task(desk.pages.flush())
    await asyncio.sleep(0)

    assert await desk.due() == 1
    assert desk.begun_s == [0.0]
    await asyncio.wait_for(forgotten, 20)


async def test_more_session_starts_make_a_page_wait_no_longer_than_the_cap(desk: Desk) -> None:
    desk.starts_until_s, desk.starts_in = 1000.0, 1
    desk.published(at_work=True)
    desk.pages.want(1)

    assert await desk.due() == 1
    assert desk.at_s == pytest.approx(CAP_S, abs=0.25)


async def test_one_that_was_being_made_of_what_is_forgotten_meanwhile_is_made_again(desk: Desk) -> None:
    desk.goes_on.clear()
    desk.published()
    due = dict(desk.pages.due)
    running = asyncio.create_task(desk.due())
    await asyncio.to_thread(desk.began.wait, 20)
    desk.published()  # after it was forgotten: the fifty lines have nothing of it
    forgotten = asyncio.create_task(desk.pages.make_since(due))
    await asyncio.sleep(0)
    desk.goes_on.set()

    await running
    assert await desk.due() == 2
    await asyncio.wait_for(forgotten, 20)


async def test_forgetting_waits_for_no_page_of_old_history_that_shows_nothing_of_it(desk: Desk) -> None:
    desk.in_history = True
    desk.published("Bake")
    due = dict(desk.pages.due)
    await asyncio.wait_for(desk.pages.make_since(due), 20)
    assert await desk.due() == 0

    desk.published("Bake bread")
    forgotten = asyncio.create_task(desk.pages.make_since(due))
    await asyncio.sleep(0)
    assert await desk.due() == 1
    await asyncio.wait_for(forgotten, 20)


async def test_none_is_made_for_a_handoff_without_one(desk: Desk) -> None:
    desk.published(at_work=True)
    desk.published(has_page=False)
    desk.at_s = BETWEEN_PAGES_S

    assert await desk.due() == 0


async def test_an_error_is_logged_without_its_words_and_ends_nothing(desk: Desk, lines: LogLines) -> None:
    desk.fails = True
    desk.published()
    assert await desk.due() == 0

    desk.fails = False
    desk.published()
    assert await desk.due() == 1
    assert [line.split()[0] for line in lines] == ["second_page_failed"]
    assert "words from" not in lines[0]
