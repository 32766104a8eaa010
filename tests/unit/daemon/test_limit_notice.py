from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from carryover.config import Config, NotifyConfig, ProjectSettings
from carryover.daemon.limit_notice import JUST_NOW_MS, SAME_MS, LimitNotices, notice
from carryover.daemon.log import Log
from carryover.daemon.surroundings import Surroundings
from carryover.distill.handoff import Handoff
from carryover.distill.sections.limit import Limit
from carryover.paths import StateDir
from carryover.publish.refresh import Refreshed
from support.log_lines import LogLines

NOW_MS = 1_795_155_000_000
WANTED = Config(notify=NotifyConfig(desktop=True))


def refreshed(limit: Limit | None, root: str = "/home/dev/shop", **settings: str) -> Refreshed:
    handoff = Handoff(
        updated_ms=NOW_MS, agent="Claude Code", resume="ask", session="s1", head=None, sections=(), limit=limit
    )
    return Refreshed(root=root, settings=ProjectSettings(**settings), handoff=handoff, text="", git=None)  # type: ignore[arg-type]


def limit(at_ms: int = NOW_MS, agent: str = "claude-code") -> Limit:
    return Limit(agent=agent, at_ms=at_ms, others=("codex",))


class Desk:
    """Notices, and what was shown of them. `answer` is what showing comes to."""

    def __init__(self, home: Path, log: Log, config: Config = WANTED, *, began_ms: int = NOW_MS - 10_000) -> None:
        self.shown: list[tuple[str, str]] = []
        self.answer: str | None = None
        self.now_ms = began_ms
        self.around = Surroundings(StateDir(home / ".carryover"), home, {}, config)
        self.notices = LimitNotices(self.around, self._show, log=log, now_ms=lambda: self.now_ms)
        self.now_ms = NOW_MS

    def _show(self, title: str, text: str) -> str | None:
        self.shown.append((title, text))
        return self.answer

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Callable[[Refreshed], None]]:
        """What is considered in the block is dealt with by its end."""
        running = asyncio.ensure_future(self.notices.run())
        yield self.notices.consider
        await self.notices.flush()
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
async def desk(home: Path, log: Log) -> Desk:
    return Desk(home, log)


async def test_a_limit_of_this_moment_is_told_with_agent_folder_and_command(desk: Desk) -> None:
    async with desk.open() as consider:
        consider(refreshed(limit()))

    assert desk.shown == [("Claude Code reached its usage limit", "In shop: carryover handoff --to codex")]


async def test_it_is_told_once_however_often_the_handoff_is_made(desk: Desk) -> None:
    """A hook and the transcript give it slightly different times."""
    async with desk.open() as consider:
        for later_ms in (0, 0, 75, 60_000):
            desk.now_ms = NOW_MS + later_ms
            consider(refreshed(limit(NOW_MS + later_ms)))

    assert len(desk.shown) == 1


async def test_the_next_limit_and_that_of_another_project_or_agent_is_told(desk: Desk) -> None:
    async with desk.open() as consider:
        consider(refreshed(limit()))
        consider(refreshed(limit(), root="/home/dev/blog"))
        consider(refreshed(limit(agent="cursor")))
        desk.now_ms += SAME_MS
        consider(refreshed(limit(desk.now_ms)))

    assert [text.partition(":")[0] for _, text in desk.shown] == ["In shop", "In blog", "In shop", "In shop"]


async def test_history_is_not_told(desk: Desk, home: Path, log: Log) -> None:
    just_started = Desk(home, log, began_ms=NOW_MS - 1000)
    async with desk.open() as consider, just_started.open() as consider_anew:
        desk.now_ms += JUST_NOW_MS + 1
        consider(refreshed(limit()))
        consider_anew(refreshed(limit(NOW_MS - 1001)))
        consider(refreshed(None))

    assert (desk.shown, just_started.shown) == ([], [])


async def test_what_happened_before_settings_changed_is_not_told_after_it(desk: Desk) -> None:
    desk.around.use(Config(notify=NotifyConfig(desktop=True), paused=True))
    desk.now_ms += 5000
    desk.around.use(WANTED)
    desk.notices.begin_anew()
    async with desk.open() as consider:
        consider(refreshed(limit()))
        consider(refreshed(limit(desk.now_ms), root="/home/dev/blog"))

    assert [text for _, text in desk.shown] == ["In blog: carryover handoff --to codex"]


@pytest.mark.parametrize(
    "config", [Config(), Config(notify=NotifyConfig(desktop=True), paused=True)], ids=["not asked for", "paused"]
)
async def test_nobody_is_told_who_did_not_ask_or_has_paused(home: Path, log: Log, config: Config) -> None:
    desk = Desk(home, log, config)
    async with desk.open() as consider:
        consider(refreshed(limit()))

    assert desk.shown == []


async def test_an_excluded_project_is_not_told_of(desk: Desk) -> None:
    async with desk.open() as consider:
        consider(refreshed(limit(), excluded="the user"))

    assert desk.shown == []


async def test_a_setting_that_changes_holds_at_once(desk: Desk) -> None:
    desk.around.use(Config())
    async with desk.open() as consider:
        consider(refreshed(limit()))
        desk.around.use(WANTED)
        consider(refreshed(limit()))

    assert len(desk.shown) == 1


async def test_what_keeps_it_from_being_shown_is_logged_once(desk: Desk, lines: LogLines) -> None:
    desk.answer = "no session bus"
    async with desk.open() as consider:
        consider(refreshed(limit()))
        consider(refreshed(limit(), root="/home/dev/blog"))

    assert len(desk.shown) == 2
    assert lines == ['limit_notice_not_shown reason="no session bus"']


async def test_a_handoff_may_be_made_in_any_thread(desk: Desk) -> None:
    async with desk.open() as consider:
        await asyncio.to_thread(consider, refreshed(limit()))

    assert len(desk.shown) == 1


def test_the_name_of_a_folder_is_one_short_line() -> None:
    title, text = notice("/srv/shop\n\x1b[31m" + "x" * 300, Limit(agent="codex", at_ms=NOW_MS))

    assert title == "Codex reached its usage limit"
    assert text.startswith("In shop  [31mxxx")
    assert len(text) == 63
