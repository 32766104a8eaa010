"""Opens the page that the daemon serves, in a browser."""

from __future__ import annotations

import os
from urllib.parse import urlencode

from carryover.daemon.client import ask_daemon, wait_for_daemon
from carryover.daemon.health import Health
from carryover.errors import ExitCode, UserError
from carryover.install.background import BRING_UP_S
from carryover.past.context import state_dir
from carryover.platform import MACOS, here


def safari_asks_for_it() -> bool:
    """Whether Safari would ask a name server for the page's address, which could answer."""
    return here().asks_network_for_localhost()


def open_in_browser(url: str) -> bool:
    """Opens the address in a browser with a window, never one in this terminal; returns whether that worked."""
    if here().name != MACOS and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))):
        return False
    import webbrowser

    return webbrowser.open(url)


def page_address() -> str:
    """Returns an address that admits one browser, once. Raises UserError if there is no page, and says why."""
    state = state_dir()
    health, trouble = wait_for_daemon(state, BRING_UP_S)
    if health is None:
        raise UserError(trouble or "carryoverd does not answer. Run `carryover restart`.", ExitCode.NOT_RUNNING)
    answer = ask_daemon(state.socket, "POST", "/page", timeout_s=BRING_UP_S)
    if answer is None:
        raise UserError("carryoverd has just ended. Run this again.", ExitCode.NOT_RUNNING)
    if health.port is None:
        raise _no_port(health)
    return f"http://{answer['host']}:{health.port}/ui/?{urlencode({'key': answer['key']})}"


def _no_port(health: Health) -> UserError:
    trouble = health.hook_port.trouble if health.hook_port is not None else None
    if trouble is None:
        return UserError(
            "The page can't be opened: carryoverd has not opened its port yet. Run this again.", ExitCode.REFUSED
        )
    return UserError(
        f"The page can't be opened: {trouble}. Let carryoverd choose one by "
        "`carryover config --unset server.port`, or end the program that has this one. Then run this again.",
        ExitCode.REFUSED,
    )
