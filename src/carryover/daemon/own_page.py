"""What the daemon knows of the page of `carryover ui`: who starts the daemon hands it the page."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from aiohttp import web

    from carryover.daemon.context import DaemonContext


class PageKey(msgspec.Struct, frozen=True):
    """A key that opens the page once, below a host of its own."""

    host: str
    key: str


class OwnPage(Protocol):
    """The page, which is asked for below hosts of its own alone. Used on the event loop only."""

    def is_at(self, path: str) -> bool:
        """Whether the path is one of the page's, and the settings have a page."""

    def hosts(self) -> Collection[str]:
        """Returns the hosts below which the page may be asked for now."""

    async def key(self) -> PageKey:
        """Returns a key. Raises UserError (REFUSED) if there is no page, and says why."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request at one of the page's addresses, which the guard let pass."""

    def no_entry(self) -> web.Response:
        """Returns the answer to who may not see the page. It says how to open one."""

    def end(self) -> None:
        """Ends all visits, as the port is given up: whoever has it next may be shown their cookies."""

    def close(self) -> None:
        """Ends the page with the daemon. Doesn't wait."""


OpenPage = Callable[["DaemonContext"], OwnPage]
"""Makes the page for a daemon that starts."""
