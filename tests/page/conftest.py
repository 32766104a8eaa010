"""A browser for all tests of a module, and the page in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from page.browser import Page
from page.chromium import CHROMIUM, chromium
from page.firefox import FIREFOX, firefox
from page.pretend import Pretend, serving

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
in_firefox = pytest.mark.skipif(FIREFOX is None, reason="there is no Firefox")
in_each_browser = pytest.mark.parametrize(
    "browser",
    [
        pytest.param(chromium, id="chromium", marks=in_chromium),
        pytest.param(firefox, id="firefox", marks=[in_firefox, pytest.mark.night]),
    ],
    indirect=True,
    scope="module",
)


class Opened(NamedTuple):
    """The page in a browser, and the server behind it."""

    page: Page
    pretend: Pretend


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """Chromium, or the browser that the test is for."""
    start = getattr(request, "param", chromium)
    async with start(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def opened(browser: Page) -> AsyncIterator[Opened]:
    pretend = Pretend()
    async with serving(pretend) as address:
        await browser.show_as(width=1280)
        await browser.open(address)
        yield Opened(browser, pretend)
        await browser.load("about:blank")
    assert browser.troubles == []
