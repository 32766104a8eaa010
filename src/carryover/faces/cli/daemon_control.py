"""`carryover start`, `stop`, `restart`, `pause`, `unpause` and `ui`: the daemon, and the page that it serves."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from carryover.actions import ui
from carryover.actions.daemon_control import Running, Stopped, running_pid, start_daemon, stop
from carryover.actions.pausing import pause_all, pause_project, unpause_all, unpause_project
from carryover.errors import ExitCode, visible
from carryover.faces.cli.arguments import describe, flag
from carryover.past.context import project_root
from carryover.terminal.output import print_result, say, warn
from carryover.terminal.paths import shell_word
from carryover.terminal.streams import flush

if TYPE_CHECKING:
    from carryover.actions.pausing import Pausing

DESCRIPTION: Final = {
    "start": """\
Starts carryoverd through the service that `carryover install` set up (systemd,
launchd). Where there is none, such as in a container, it starts it in the
background; from then on your agents' hooks start it again when it is gone.""",
    "stop": """\
Stops carryoverd in order: what it has read is stored. Handoffs are not kept
fresh while it is stopped; `carryover handoff` still works. systemd starts it
again when you log in, launchd only after `carryover start`; `carryover pause`
holds until you end it.""",
    "restart": """\
Restarts carryoverd, such as after an upgrade: through the service that
`carryover install` set up, or without one; starts it if it did not run.""",
    "pause": """\
Stops Carryover at once: nothing is read, nothing is written into projects, and
no hook brings a handoff, until `carryover unpause`. What your agents write
meanwhile is read then. The handoffs in your projects stay as they are, and an
agent that a pointer leads there reads the last one. With PROJECT only that
project is left out: its handoff and the pointers to it are taken out of it,
except for those that you committed, and no agent gets it. What agents do there
is still recorded; `carryover forget` removes it.""",
    "unpause": """\
Resumes after `carryover pause`: what your agents wrote meanwhile is read, and
handoffs are brought up to date. With PROJECT, for that project alone, whose
handoff and pointers are put back.""",
}

EXAMPLES: Final = {
    "start": "  carryover start       start it, if it does not run",
    "stop": "  carryover stop        stop it until `carryover start`, or under systemd the next log-in",
    "restart": "  carryover restart     after an upgrade of Carryover",
    "pause": """\
  carryover pause           everything
  carryover pause .         the project you are in
  carryover unpause         everything resumes; projects paused by name stay paused""",
    "unpause": """\
  carryover unpause         everything; projects paused by name stay paused
  carryover unpause .       the project you are in""",
}

_WAITS: Final = {
    "at once": "",
    "when it starts": " carryoverd is not running now.",
    "when it answers": " carryoverd does not answer, so it has not taken that yet: `carryover restart`.",
}
_STARTING: Final = ("start", "stop", "restart")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    if command in _STARTING:
        codes = () if command == "stop" else (ExitCode.NOT_RUNNING,)
        describe(parser, DESCRIPTION[command], EXAMPLES[command], *codes)
        return
    describe(parser, DESCRIPTION[command], EXAMPLES[command], ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="a folder in the project (default: all projects)")
    flag(parser, "--json", "print what holds now as JSON")


def run_start(_args: argparse.Namespace) -> None:
    say(_started(start_daemon()))


def run_restart(_args: argparse.Namespace) -> None:
    say(_started(start_daemon(restart=True)))


def run_stop(_args: argparse.Namespace) -> None:
    say(_stopped(stop()))


def run_pause(args: argparse.Namespace) -> None:
    named = args.project
    now = pause_all() if named is None else pause_project(project_root(named, must_exist=True))
    print_result(args, now, _paused(now))


def run_unpause(args: argparse.Namespace) -> None:
    named = args.project
    now = unpause_all() if named is None else unpause_project(project_root(named))
    print_result(args, now, _paused(now))


def _paused(now: Pausing) -> Iterator[str]:
    if now.changed:
        is_so = "is paused" if now.paused else "is no longer paused"
    else:
        is_so = "was already paused" if now.paused else "was not paused"
    yield f"{visible(now.project or 'Carryover')} {is_so}.{_WAITS[now.daemon]}"
    if now.paused and now.project is not None:
        yield "No agent gets its handoff. What agents do there is still recorded; `carryover forget` removes it."
    if now.paused and now.project is None:
        yield "The handoffs in your projects stay as they are: an agent that a pointer leads there reads the last one."
    if now.paused and (now.changed or not now.note):
        yield f"Resume with `carryover unpause{'' if now.project is None else f' {shell_word(now.project)}'}`."
    if now.note:
        yield now.note


def _started(running: Running) -> str:
    paused = " Carryover is paused: nothing is read or handed over until `carryover unpause`."
    still = paused if running.is_paused else ""
    if not running.answers:
        return f"carryoverd (process {running.pid}) runs already, but does not answer: `carryover restart`."
    if not running.is_new:
        by = "" if running.by_service else ", but not by the service"
        return f"carryoverd runs already (process {running.pid}){by}.{still}"
    if running.service is None:
        how = f"runs in the background (process {running.pid}). `carryover stop` ends it."
    else:
        how = f"runs as a {running.service} service (process {running.pid})."
    return f"carryoverd {running.version} {how}{still}"


def _stopped(done: Stopped | None) -> str:
    if done is None:
        return "carryoverd was not running."
    fresh = "no handoff is kept fresh until `carryover start`"
    process = f" (process {done.pid})" if done.pid is not None else ""
    return f"carryoverd{process} is stopped: {fresh}{', or until you log in again' if done.until_login else ''}."


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


def ui_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, UI, UI_EXAMPLES, ExitCode.REFUSED, ExitCode.NOT_RUNNING)
    flag(parser, "--no-open", "only print the address")


def run_ui(args: argparse.Namespace) -> None:
    if running_pid() is None:
        warn(_started(start_daemon()))
    url = ui.page_address()
    say(url, fits=True)
    flush()
    if ui.safari_asks_for_it():
        warn(_NOT_IN_SAFARI)
    elif not args.no_open and not ui.open_in_browser(url):
        warn("No browser can be opened from here. Open this address within a minute.")
