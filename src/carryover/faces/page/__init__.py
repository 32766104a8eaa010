"""The local page that `carryover ui` opens: its routes on the daemon's port, and the data that they answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carryover.daemon.context import DaemonContext
    from carryover.daemon.own_page import OwnPage


def page_for(context: DaemonContext) -> OwnPage:
    """Returns the page, for the daemon with this context."""
    from carryover.faces.page.access import Access  # with the server, which a daemon loads in its own way
    from carryover.faces.page.app import PageApp

    return PageApp(context, Access(context.clock))
