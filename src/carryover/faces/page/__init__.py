"""The local page that `carryover ui` opens: its routes on the daemon's port, and the data that they answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carryover.daemon.context import DaemonContext
    from carryover.daemon.own_page import OwnPage


def page_for(context: DaemonContext) -> OwnPage:
    """Returns the door to the page, for the daemon with this context."""
    from carryover.faces.page.door import PageDoor  # with the server, which a daemon loads in its own way

    return PageDoor(context)
