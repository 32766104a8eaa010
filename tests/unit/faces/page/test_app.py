"""How much the page may ask for, and what it is told. Its answers are in tests/e2e/test_page.py."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from carryover.config import Config
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import Log
from carryover.faces.page.access import COOKIE, Access
from carryover.faces.page.app import MOST_WAITING, PageApp
from carryover.paths import StateDir
from support.clock import Clock
from support.connected import connected
from support.platforms import altered, on
from support.scribe import Scribe


class Held(DaemonContext):
    """A daemon whose ledger can be kept from being opened."""

    open = threading.Event()

    def read_ledger(self) -> closing[sqlite3.Connection]:
        assert self.open.wait(60)
        return super().read_ledger()


class Browser:
    """A visitor of `page`. `transport`: that of a connection from this process."""

    transport: ClassVar[Mock]

    def __init__(self, page: PageApp) -> None:
        new = page.access.new_key()
        asked = make_mocked_request("GET", f"/ui/?key={new.key}", {"Host": new.host})
        visitor = page.access.admit(asked)
        assert visitor is not None
        self._page = page
        self._headers = {"Host": new.host, "Cookie": f"{COOKIE}={visitor.cookie}"}

    async def get(self, target: str) -> int:
        return (await self._page.answer(self._request("GET", f"/ui/{target}"))).status

    async def json(self, target: str) -> Any:
        answer = await self._page.answer(self._request("GET", f"/ui/{target}"))
        return json.loads(answer.body)  # type: ignore[attr-defined]

    async def post(self, target: str) -> int:
        return (await self._page.answer(self._request("POST", f"/ui/{target}"))).status

    def _request(self, method: str, target: str) -> web.Request:
        return make_mocked_request(method, target, self._headers, transport=self.transport)


@pytest.fixture
async def daemon(home: Path, scribe: Scribe) -> Held:
    log = Log(lambda _level, _text: None)
    state = StateDir(home / ".carryover")
    daemon = Held(state=state, home=home, env={}, config=Config(), ledger=scribe.ledger, log=log)
    daemon.transcripts, daemon.unread, daemon.open = 3, lambda: 2, threading.Event()
    daemon.open.set()
    return daemon


@pytest.fixture
async def opened(
    daemon: Held, scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., PageApp]]:
    """Opens the page, with the functions that are given by name in place of those that it calls."""
    await scribe.tell("add a parser")
    pages = []

    def open_page(**functions: Any) -> PageApp:
        for name, function in functions.items():
            monkeypatch.setattr(f"carryover.faces.page.app.{name}", function)
        pages.append(PageApp(daemon, Access(Clock())))
        return pages[-1]

    with connected() as (_client, Browser.transport):
        yield open_page
    daemon.open.set()
    for page in pages:
        page.close()


@pytest.fixture
async def page(opened: Callable[..., PageApp]) -> PageApp:
    return opened()


async def test_a_bounded_number_of_requests_waits_and_the_rest_is_told_to_come_back(
    page: PageApp, daemon: Held
) -> None:
    browser = Browser(page)
    daemon.open.clear()
    waiting = [asyncio.create_task(browser.get("api/projects")) for _ in range(MOST_WAITING + 3)]
    told = asyncio.as_completed(waiting)
    assert [await next(told) for _ in range(3)] == [503] * 3
    assert await browser.get("api/me") == 200, "what needs no thread is answered"
    daemon.open.set()

    assert sorted(await asyncio.gather(*waiting)) == [200] * MOST_WAITING + [503] * 3
    assert await browser.get("api/projects") == 200


async def test_the_list_says_how_many_transcripts_wait_to_be_read(page: PageApp) -> None:
    listed = await Browser(page).json("api/projects")
    assert (listed["transcripts"], listed["unread"]) == (3, 2)


ADDRESSES = {
    **dict.fromkeys(("", "index.html", "timeline.js", "style.css", "session.css"), 200),
    **dict.fromkeys(("static/", "static/app.js", "x/../app.js", "none.js", "charts.js"), 404),
    **dict.fromkeys(("api/project/1/timeline", "api/search?q=%00&project=9"), 200),
    **dict.fromkeys(("api/sessions?project=1&agent=codex&since_ms=1&after=5,2", "api/outline/made-up/s1"), 200),
    "api/session/made-up/s1": 200,
    **dict.fromkeys(("api/sessions?after=5", "api/sessions?after=a,b", "api/sessions?project=x"), 400),
    **dict.fromkeys(("api/none", "api/project/1/none", "api/project/9/timeline"), 404),
    **dict.fromkeys(("api/outline/made-up/none", "api/session/none/s1"), 404),
    **dict.fromkeys((f"api/project/{number}/timeline" for number in ("-1", "%D9%A1", f"1{'0' * 15}")), 400),
    "?key=used": 303,
}


async def test_an_address_is_answered_or_refused(page: PageApp) -> None:
    assert {target: await Browser(page).get(target) for target in ADDRESSES} == ADDRESSES


async def test_nothing_is_changed_at_any_address(page: PageApp) -> None:
    """What posts to the page's addresses is refused, whatever it brings."""
    browser = Browser(page)

    assert [await browser.post(each) for each in ("", "app.js", "api/me", "api/projects", "api/command")] == [404] * 5


async def test_a_process_of_another_user_gets_the_pages_files_and_nothing_else(page: PageApp) -> None:
    """Even if it has the browser's cookie."""
    browser = Browser(page)
    files, others = ("", "index.html", "app.js"), ("?key=used", "none.js", "api/me", "api/projects", "api/revision")

    with on(altered(connection_owners=lambda *_ends: {os.geteuid() + 1})):
        assert [await browser.get(target) for target in files] == [200] * len(files)
        assert [await browser.get(target) for target in others] == [403] * len(others)


async def test_a_project_of_another_machine_is_not_read_here(page: PageApp, scribe: Scribe) -> None:
    browser = Browser(page)
    await scribe.tell(scribe.event("add a cart", session="s2", cwd="desk:/srv/shop"))

    assert [await browser.get(f"api/project/{number}/timeline") for number in (1, 2, 3)] == [200, 404, 404]
