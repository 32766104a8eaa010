"""`carryover ui`: opens the local page that the daemon serves."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import state_dir
from carryover.cli.arguments import describe
from carryover.daemon.client import ask_daemon, daemon_pid, wait_for_daemon
from carryover.errors import ExitCode, UserError
from carryover.install.background import ANSWER_S
from carryover.page.commands import ENVIRONMENT
from carryover.paths import StateDir

DESCRIPTION: Final = """\
Opens a page in your browser that shows what Carryover knows: your projects and
what each waits for, handoffs beside the turns they come from, the timeline, and
a search over everything. carryoverd serves it on this machine only, and is
started if it does not run. The address that is printed works once, within one
minute, in one browser; run this again for another one. `carryover config
server.page false` turns the page off."""

EXAMPLES: Final = """\
examples:
  carryover ui              open the page
  carryover ui --no-open    only print its address
"""

_MOST_PASSED: Final = 6_000
"""Maximum length of a request with this shell's variables; with more, the page's commands get the daemon's own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.REFUSED, ExitCode.NOT_RUNNING)
    parser.add_argument("--no-open", action="store_true", help="only print the address")


def run(args: argparse.Namespace) -> int:
    state = state_dir()
    if daemon_pid(state) is None:
        from carryover.cli.daemon_control import start_daemon

        print(start_daemon(state), file=sys.stderr)
    url = page_address(state)
    print(url, flush=True)
    if not args.no_open and not _opened(url):
        print("No browser can be opened from here. Open this address within a minute.", file=sys.stderr)
    return ExitCode.OK


def page_address(state: StateDir) -> str:
    """Returns an address that opens the page once. Raises UserError if there is no page, and says why."""
    found = wait_for_daemon(state, ANSWER_S)
    if found.health is None:
        raise UserError(found.trouble or "carryoverd does not answer.", ExitCode.NOT_RUNNING)
    key, refusal = _key(state)
    if refusal:
        raise UserError(refusal, ExitCode.REFUSED)
    if found.port is None:
        trouble = found.health.hook_port.trouble if found.health.hook_port is not None else None
        raise UserError(
            f"The page can't be opened: {trouble or 'carryoverd has not opened its port yet'}. End that program, or "
            "choose another port: `carryover config server.port 47824`. Then run this again.",
            ExitCode.REFUSED,
        )
    return f"http://127.0.0.1:{found.port}/ui/?{urlencode({'key': key})}"


def _key(state: StateDir) -> tuple[str, str]:
    """Returns a key for the page; or an empty one, and why there is no page."""
    env = {name: value for name in ENVIRONMENT if (value := os.environ.get(name, "")) and value.isprintable()}
    passed = urlencode({"env": msgspec.json.encode(env).decode()})
    query = f"?{passed}" if len(passed) <= _MOST_PASSED else ""
    answer = ask_daemon(state.socket, "POST", f"/page{query}", timeout_s=ANSWER_S)
    if answer is None:
        raise UserError("carryoverd has just ended. Run this again.", ExitCode.NOT_RUNNING)
    return str(answer.get("key", "")), str(answer.get("refusal", ""))


def _opened(url: str) -> bool:
    """Opens the address in a browser with a window; returns whether there is one."""
    has_window = sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    if not has_window:
        return False
    import webbrowser

    return webbrowser.open(url)
