"""`carryover start`, `stop`, `restart`, `pause`, `unpause` and `ui`: the daemon, and the page that it serves."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from typing import Final
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import project_root, state_dir
from carryover.cli.arguments import describe, flag
from carryover.daemon.client import ask_daemon, daemon_pid, stop_daemon, wait_for_daemon
from carryover.errors import ExitCode, UserError, visible
from carryover.install.background import ANSWER_S, forget_starter, registered, start_detached
from carryover.install.service import ServiceManager, this_program
from carryover.paths import StateDir
from carryover.terminal.output import put, say, warn
from carryover.terminal.paths import quoted
from carryover.terminal.streams import flush

DESCRIPTION: Final = {
    "start": """\
Starts carryoverd through the service that `carryover install` set up (systemd,
launchd). Where there is none, such as in a container, it starts it in the
background; from then on your agents' hooks start it again when it is gone.""",
    "stop": """\
Stops carryoverd in order: what it has read is stored. Handoffs are not kept
fresh while it is stopped; `carryover handoff` still works. A service starts it
again when you log in; `carryover pause` holds until you end it.""",
    "restart": """\
Restarts carryoverd, such as after an upgrade: through the service that
`carryover install` set up, or without one; starts it if it did not run.""",
    "pause": """\
Stops Carryover at once: nothing is read, nothing is written into projects, and
no session gets a handoff, until `carryover unpause`. What your agents write
meanwhile is read then. With PROJECT only that project is left out: its handoff
and the pointers to it are taken out of it, and no agent gets it.""",
    "unpause": """\
Resumes after `carryover pause`: what your agents wrote meanwhile is read, and
handoffs are brought up to date. With PROJECT, for that project alone, whose
handoff and pointers are put back.""",
}

EXAMPLES: Final = {
    "start": "  carryover start       start it, if it does not run",
    "stop": "  carryover stop        stop it until `carryover start`, or the next log-in",
    "restart": "  carryover restart     after an upgrade of Carryover",
    "pause": """\
  carryover pause           everything
  carryover pause .         the project you are in
  carryover unpause         everything resumes; projects paused by name stay paused""",
    "unpause": """\
  carryover unpause         everything; projects paused by name stay paused
  carryover unpause .       the project you are in""",
}

_CODES: Final[dict[str, tuple[ExitCode, ...]]] = {
    "start": (ExitCode.NOT_RUNNING,),
    "stop": (),
    "restart": (ExitCode.NOT_RUNNING,),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    codes = _CODES.get(command, (ExitCode.NOTHING_FOUND, ExitCode.REFUSED))
    describe(parser, DESCRIPTION[command], EXAMPLES[command], *codes)
    if command not in _CODES:
        help_text = "a folder in the project (default: all projects)"
        parser.add_argument("project", nargs="?", metavar="PROJECT", help=help_text)
        flag(parser, "--json", "print what holds now as JSON")


def run(args: argparse.Namespace) -> None:
    if args.command in _CODES:
        restart = args.command == "restart"
        say(_stop(state_dir()) if args.command == "stop" else start_daemon(state_dir(), restart=restart))
        return
    from carryover.actions.settings import pause_all, pause_project, unpause_all, unpause_project

    state, pausing = state_dir(), args.command == "pause"
    if args.project is None:
        now = pause_all(state) if pausing else unpause_all(state)
    else:
        root = project_root(args.project, must_exist=pausing)
        now = pause_project(state, root) if pausing else unpause_project(state, root)
    if now.changed:
        is_so = "is paused" if now.paused else "is no longer paused"
    else:
        is_so = "was already paused" if now.paused else "was not paused"
    waits = "" if now.daemon == "at once" else " carryoverd is not running now."
    lines = [f"{visible(now.project or 'Carryover')} {is_so}.{waits}"]
    if now.paused:
        lines.append(f"Resume with `carryover unpause{'' if now.project is None else f' {quoted(now.project)}'}`.")
    put(args, now, [*lines, *([now.note] if now.note else [])])


def start_daemon(state: StateDir, *, restart: bool = False) -> str:
    """Starts the daemon, or restarts it, and returns the result as a sentence. Raises UserError if it does not run."""
    service, pid = _service(), daemon_pid(state)
    if pid is not None and not restart:
        by = "" if service is None or service.status().active else ", but not by the service"
        return f"carryoverd runs already (process {pid}){by}."
    if service is None:
        start_detached(state, this_program(os.environ, state.root))
    elif restart and service.status().active:
        service.restart()
    else:
        stop_daemon(state)  # one that the user started
        service.start()
    health = wait_for_daemon(state, ANSWER_S).health
    if service is None and registered(os.environ) is not None:
        forget_starter(state)  # a service that can't be used from here starts it at the next login; hooks must not
    if health is None:
        what = "carryoverd" if service is None else f"The {service.kind} service"
        raise UserError(
            f"{what} was started, but has not answered within {ANSWER_S:g} s. `carryoverd` in a terminal says why."
        )
    if service is None:
        return f"carryoverd {health.version} runs in the background (process {health.pid}). `carryover stop` ends it."
    return f"carryoverd {health.version} runs as a {service.kind} service (process {health.pid})."


def _stop(state: StateDir) -> str:
    forget_starter(state)  # first, so that no hook starts it again
    service, pid = _service(), None
    is_service = service is not None and service.status().active
    if service is not None and is_service:
        service.stop()
    elif (pid := stop_daemon(state)) is None:
        return "carryoverd was not running."
    process, until = ("", ", or until you log in again") if is_service else (f" (process {pid})", "")
    return f"carryoverd{process} is stopped: no handoff is kept fresh until `carryover start`{until}."


def _service() -> ServiceManager | None:
    """Returns the installed service if this process can control it."""
    service = registered(os.environ)
    return service if service is not None and service.available() is None else None


UI: Final = """\
Opens a page in your browser that shows what Carryover knows: your projects and
what each waits for, handoffs beside the turns they come from, the timeline, and
a search over everything. carryoverd serves it on this machine only, and is
started if it does not run. The address that is printed works once, within one
minute, in one browser; run this again for another one. `carryover config
server.page false` turns the page off."""

UI_EXAMPLES: Final = """\
  carryover ui              open the page
  carryover ui --no-open    only print its address"""

_NOT_IN_SAFARI: Final = (
    "Open this address within a minute in Chrome, Edge or Firefox: before macOS 26, Safari looks for it on the network."
)
_MACOS_26: Final = 16
"""What a Python that was built for an older macOS calls it."""
_MOST_PASSED: Final = 6_000
"""Maximum length of a request with this shell's variables; with more, the page's commands get the daemon's own."""


def ui_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, UI, UI_EXAMPLES, ExitCode.REFUSED, ExitCode.NOT_RUNNING)
    flag(parser, "--no-open", "only print the address")


def run_ui(args: argparse.Namespace) -> None:
    state = state_dir()
    if daemon_pid(state) is None:
        warn(start_daemon(state))
    url = page_address(state)
    say(url, fits=True)
    flush()
    if safari_asks_for_it():
        warn(_NOT_IN_SAFARI)
    elif not args.no_open and not opened(url):
        warn("No browser can be opened from here. Open this address within a minute.")


def safari_asks_for_it() -> bool:
    """Whether this is a macOS where Safari asks a name server for names below `localhost`, which could answer."""
    return sys.platform == "darwin" and int(platform.mac_ver()[0].partition(".")[0]) < _MACOS_26


def opened(url: str) -> bool:
    """Opens the address in a browser with a window, never one in this terminal; returns whether that worked."""
    if sys.platform != "darwin" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))):
        return False
    import webbrowser

    return webbrowser.open(url)


def page_address(state: StateDir) -> str:
    """Returns an address that opens the page once. Raises UserError if there is no page, and says why."""
    from carryover.page.commands import ENVIRONMENT

    found = wait_for_daemon(state, ANSWER_S)
    if found.health is None:
        raise UserError(found.trouble or "carryoverd does not answer.", ExitCode.NOT_RUNNING)
    env = {name: value for name in ENVIRONMENT if (value := os.environ.get(name, "")) and value.isprintable()}
    passed = urlencode({"env": msgspec.json.encode(env).decode()})
    query = f"?{passed}" if len(passed) <= _MOST_PASSED else ""
    answer = ask_daemon(state.socket, "POST", f"/page{query}", timeout_s=ANSWER_S)
    if answer is None:
        raise UserError("carryoverd has just ended. Run this again.", ExitCode.NOT_RUNNING)
    if refusal := answer.get("refusal"):
        raise UserError(str(refusal), ExitCode.REFUSED)
    if found.port is None:
        trouble = found.health.hook_port.trouble if found.health.hook_port is not None else None
        raise UserError(
            f"The page can't be opened: {trouble or 'carryoverd has not opened its port yet'}. End that program, or "
            "choose another port: `carryover config server.port 47824`. Then run this again.",
            ExitCode.REFUSED,
        )
    return f"http://{answer['host']}:{found.port}/ui/?{urlencode({'key': answer['key']})}"
