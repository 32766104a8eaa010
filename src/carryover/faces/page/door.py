"""The door to the page, in the daemon: opens the page when it is first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

import carryover
from carryover import __version__
from carryover.daemon.context import DaemonContext
from carryover.daemon.own_page import PageKey
from carryover.faces.page.access import Access, no_entry

if TYPE_CHECKING:
    from carryover.faces.page.app import PageApp

_PAGE: Final = "/ui"
_OFF: Final = (
    "The page is turned off: [server] page is false in config.toml. `carryover config server.page true` turns it on."
)
_UPGRADED: Final = "Carryover was upgraded while carryoverd was running. `carryover restart`, then try again."


class PageDoor:
    """Opens the page of `carryover ui` when it is first asked for. Until then it costs neither time nor memory.

    door = PageDoor(context)
    key = await door.key()  # for `carryover ui`
    if door.is_at(request.path):
        return await door.answer(request)
    """

    def __init__(self, context: DaemonContext, version: str = __version__) -> None:
        """`version`: that of the running daemon."""
        self._context = context
        self._version = version
        self._access = Access(context.clock)
        self._page: PageApp | None = None
        self._opening = asyncio.Lock()

    def is_at(self, path: str) -> bool:
        """Whether the path is one of the page's, and the settings have a page."""
        return self._context.config.server.page and (path == _PAGE or path.startswith(f"{_PAGE}/"))

    async def key(self) -> PageKey:
        """Returns a key."""
        if not self._context.config.server.page:
            return PageKey(refusal=_OFF)
        if await self._open() is None:
            return PageKey(refusal=_UPGRADED)
        return self._access.new_key()

    def hosts(self) -> Collection[str]:
        """Returns the hosts below which the page may be asked for now."""
        return self._access.hosts()

    def no_entry(self) -> web.Response:
        """Returns the answer to who may not see the page. It says how to open one."""
        return no_entry()

    def end(self) -> None:
        """Ends all visits, as the port is given up: whoever has it next may be shown their cookies."""
        self._access.end()
        if self._page is not None:
            self._page.changes.end()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request at one of the page's addresses, which the guard let pass."""
        page = await self._open()
        if page is None:
            return web.json_response({"error": _UPGRADED}, status=503)
        return await page.answer(request)

    def project_changed(self, project: int) -> None:
        """Tells the pages that are open."""
        if self._page is not None:
            self._page.changes.project(project)

    def close(self) -> None:
        """Ends the page with the daemon. Doesn't wait."""
        if self._page is not None:
            self._page.close()

    async def _open(self) -> PageApp | None:
        """Returns the page; None if the files on disk are another version's by now."""

        def opened() -> PageApp | None:
            # Like every module that is loaded late, the page's could be of a version that was installed since.
            if f'"{self._version}"' not in Path(carryover.__file__).read_text():
                return None
            from carryover.faces.page.app import PageApp

            return PageApp(self._context, self._access)

        async with self._opening:
            if self._page is None:
                self._page = await asyncio.to_thread(opened)
        return self._page
