"""What another user of the machine gets of the page who once had its port, has it again later, or has seen its key.

In a real browser, which keeps what it was shown, with a process of another user, for which tests must run as root.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from socket import create_server
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest
import pytest_asyncio

from page.browser import Page
from page.chromium import CHROMIUM, chromium
from page.squatter import CAN_BE_ANOTHER, TITLE, hurry, squatting
from support.daemon_process import DaemonProcess, daemon_below
from support.forked import carryover
from support.hook_client import PageClient

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.skipif(not CAN_BE_ANOTHER, reason="only root can be another user too"),
]
OLD_HOSTS: Final = ("127.0.0.1", "localhost")
REFUSED: Final = "This page needs a key"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def daemon(tmp_path: Path) -> DaemonProcess:
    """One that does not run, with a port that is free."""
    found = daemon_below(tmp_path)
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found.state.config.write_text(f"[server]\nport = {port}\n")
    return found


def port_of(daemon: DaemonProcess) -> int:
    return int(daemon.state.config.read_text().split()[-1])


async def opened(browser: Page, daemon: DaemonProcess) -> str:
    """Opens the page as the user does; returns its host. What is shown is ours, and no worker has a part in it."""
    printed = (await asyncio.to_thread(carryover, "ui", "--no-open", env=daemon.env)).stdout
    await browser.open(printed.strip())
    await browser.until("document.querySelector('h1').textContent === 'Projects'")
    assert await browser.do("navigator.serviceWorker.controller") is None
    assert (await browser.do("navigator.serviceWorker.getRegistrations().then((all) => all.length)")) == 0
    return str(urlsplit(printed).hostname)


async def planted(browser: Page, address: str) -> None:
    await browser.open(address)
    await browser.until("document.title === 'planted'")


async def got_by_worker(browser: Page, address: str) -> str:
    """What the worker gets at `address`, which answers there in our place."""
    await browser.open(address)
    assert await browser.text("h1") == TITLE
    return unquote(await browser.text("pre"))


async def test_what_they_left_in_the_browser_gets_neither_key_nor_page(browser: Page, daemon: DaemonProcess) -> None:
    port = port_of(daemon)
    with squatting(port):
        for host in OLD_HOSTS:
            await planted(browser, f"http://{host}:{port}/ui/")
    with daemon:
        await opened(browser, daemon)

        for host in OLD_HOSTS:
            for target in ("/ui/", "/ui/api/me", "/ui/api/projects"):
                assert REFUSED in await got_by_worker(browser, f"http://{host}:{port}{target}")


async def test_who_has_the_port_later_gets_a_cookie_that_nobody_knows(browser: Page, daemon: DaemonProcess) -> None:
    port = port_of(daemon)
    with daemon:
        host = await opened(browser, daemon)
        assert (await browser.do("fetch('api/me').then((answer) => answer.status)")) == 200
    old = f"http://{host}:{port}/ui/"
    with squatting(port) as cookies:
        await planted(browser, old)
    assert any(cookie.startswith("carryover_page=") for cookie in cookies)

    with daemon:
        for cookie in set(cookies):
            client = PageClient(port, host, {"Cookie": cookie})
            assert [client.get(target).status for target in ("/ui/", "/ui/api/me")] == [403, 403]
        assert REFUSED in await got_by_worker(browser, old)
        assert await opened(browser, daemon) != host


async def test_a_key_that_they_saw_is_of_no_use_to_them_and_stays_good(browser: Page, daemon: DaemonProcess) -> None:
    """A browser's command line has it, which others can read."""
    with daemon:
        answer = daemon.ask("POST", "/page")
        assert answer is not None
        await asyncio.to_thread(hurry, daemon.port, answer["host"], answer["key"])
        await browser.open(f"http://{answer['host']}:{daemon.port}/ui/?key={answer['key']}")

        await browser.until("document.querySelector('h1').textContent === 'Projects'")
        assert await browser.do("location.search") == ""


@pytest.mark.night
async def test_no_worker_can_be_registered_at_the_page(browser: Page, daemon: DaemonProcess) -> None:
    """Not by a script in it either, though none runs that is not ours."""
    with daemon:
        await opened(browser, daemon)
        register = "navigator.serviceWorker.register('app.js', {type: 'module'}).then(() => 'done', (e) => e.name)"
        assert await browser.do(register) != "done"
        assert await browser.do("fetch('app.js').then((answer) => answer.status)") == 200
