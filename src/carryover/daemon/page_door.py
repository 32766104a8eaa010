"""Opens the page of `carryover ui` when it is first asked for. Until then it costs neither time nor memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

import carryover
from carryover import __version__
from carryover.daemon.context import DaemonContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from carryover.page.app import Page

ADDRESS: Final = "/ui"
_OFF: Final = (
    "The page is turned off: [server] page is false in config.toml. `carryover config server.page true` turns it on."
)
_UPGRADED: Final = "Carryover was upgraded while carryoverd was running. `carryover restart`, then try again."


class PageKey(msgspec.Struct, frozen=True):
    """A key that opens the page once; or why there is none."""

    key: str = ""
    refusal: str = ""


class PageDoor:
    """Answers at the page's addresses, gives out keys, and tells the page what has changed."""

    def __init__(self, context: DaemonContext) -> None:
        self._context = context
        self._page: Page | None = None
        self._opening = asyncio.Lock()

    def is_at(self, path: str) -> bool:
        """Whether the path is one of the page's, and the settings have a page."""
        return self._context.config.server.page and (path == ADDRESS or path.startswith(f"{ADDRESS}/"))

    async def key(self, env: Mapping[str, str]) -> PageKey:
        """Returns a key. `env`: variables of the shell that asks, for the commands that the page runs."""
        if not self._context.config.server.page:
            return PageKey(refusal=_OFF)
        page = await self._open()
        return PageKey(key=page.access.new_key(env)) if page is not None else PageKey(refusal=_UPGRADED)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request at one of the page's addresses, which the guard let pass."""
        page = await self._open()
        if page is None:
            return web.json_response({"error": _UPGRADED}, status=503)
        return await page.answer(request)

    def changed(self, project: int) -> None:
        """Tells the page that the content or the handoff of a project has changed."""
        if self._page is not None:
            self._page.changes.project(project)

    def settings_changed(self) -> None:
        """Tells the page that health may be different now."""
        if self._page is not None:
            self._page.changes.health()

    async def end_streams(self, _app: web.Application) -> None:
        """Ends what would keep the port from being closed."""
        if self._page is not None:
            self._page.changes.end()

    def close(self) -> None:
        """Ends the page. Doesn't wait."""
        if self._page is not None:
            self._page.close()

    async def _open(self) -> Page | None:
        """Returns the page; None if the files on disk are another version's by now."""
        async with self._opening:
            if self._page is None:
                self._page = await asyncio.to_thread(_page, self._context)
        return self._page


def _page(context: DaemonContext) -> Page | None:
    # Like every module that is loaded late, the page's could be of a version that was installed since.
    if f'"{__version__}"' not in Path(carryover.__file__).read_text():
        return None
    from carryover.page.app import Page

    return Page(context)
