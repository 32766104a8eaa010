"""How much the page may ask for at once. What it answers is tested with a real daemon, in tests/e2e/test_page.py."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from carryover.config import Config
from carryover.ledger.queries import connect_read_only
from carryover.page import app, commands, conversations
from carryover.page.access import COOKIE
from carryover.page.answers import SearchAnswer
from carryover.page.app import MOST_WAITING, Page
from carryover.paths import StateDir
from support.clock import Clock
from support.scribe import Scribe


class Host:
    """A daemon whose ledger can be kept from being opened."""

    def __init__(self, home: Path) -> None:
        self.state = StateDir(home / ".carryover")
        self.home = home
        self.env = {"HOME": str(home), "NOTIFY_SOCKET": "/none"}
        self.config = Config()
        self.clock = Clock()
        self.open = threading.Event()
        self.open.set()

    def now_ms(self) -> int:
        return 1_000_000

    def read_ledger(self) -> closing[sqlite3.Connection]:
        assert self.open.wait(60)
        return closing(connect_read_only(self.state.ledger))

    def agents_own(self) -> frozenset[Path]:
        return frozenset()


class Browser:
    """A visitor of `page`."""

    def __init__(self, page: Page) -> None:
        visitor = page.access.admit(page.access.new_key({"DISPLAY": ":0"}))
        assert visitor is not None
        self._page = page
        self._headers = {"Cookie": f"{COOKIE}={visitor.cookie}"}

    async def get(self, target: str) -> int:
        return (await self._page.answer(make_mocked_request("GET", f"/ui/api/{target}", self._headers))).status


@pytest.fixture
def host(home: Path) -> Host:
    return Host(home)


@pytest.fixture
async def page(host: Host, scribe: Scribe) -> AsyncIterator[Page]:
    await scribe.tell("add a parser")
    page = Page(host)
    yield page
    host.open.set()
    page.close()


async def test_a_bounded_number_of_requests_waits_and_the_rest_is_told_to_come_back(page: Page, host: Host) -> None:
    browser = Browser(page)
    host.open.clear()
    waiting = [asyncio.create_task(browser.get("projects")) for _ in range(MOST_WAITING + 3)]
    told = asyncio.as_completed(waiting)
    assert [await next(told) for _ in range(3)] == [503] * 3
    assert await browser.get("me") == 200, "what needs no thread is answered"
    host.open.set()

    assert sorted(await asyncio.gather(*waiting)) == [200] * MOST_WAITING + [503] * 3
    assert await browser.get("projects") == 200


async def test_a_search_that_is_no_longer_wanted_ends_at_once(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, browser, other = threading.Event(), Browser(page), Browser(page)

    def found(db: sqlite3.Connection, words: str, *_: object, **__: object) -> SearchAnswer:
        begun.set()
        if words == "long":
            db.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
            ).fetchone()
        return SearchAnswer(hits=(), more=False, took_ms=0)

    monkeypatch.setattr(conversations, "found", found)
    first = asyncio.create_task(browser.get("search?q=long"))
    await asyncio.to_thread(begun.wait)
    assert await other.get("search?q=another") == 200, "another browser's search ends none but its own"
    assert not first.done()

    assert await browser.get("search?q=next") == 200
    assert await first == 409


async def test_a_search_that_has_not_begun_yet_is_left_out(page: Page, host: Host) -> None:
    browser = Browser(page)
    host.open.clear()
    searches = [asyncio.create_task(browser.get(f"search?q={'parser'[: n + 1]}")) for n in range(6)]
    assert await browser.get("me") == 200, "all have arrived"
    host.open.set()

    assert await asyncio.gather(*searches) == [409] * 5 + [200]


async def test_doctor_is_asked_once_for_all_who_want_to_know(
    page: Page, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []

    async def run(_words: object, env: dict[str, str], _text: str = "") -> tuple[int, bytes]:
        asked.append(env)
        return 1, b'{"healthy": false}'

    monkeypatch.setattr(commands, "run", run)
    browser = Browser(page)

    assert await asyncio.gather(*(browser.get("health") for _ in range(5))) == [200] * 5
    assert asked == [{"HOME": str(host.home), "DISPLAY": ":0"}]
    host.clock.now += app._HEALTH_S + 1
    await browser.get("health")
    assert len(asked) == 2
