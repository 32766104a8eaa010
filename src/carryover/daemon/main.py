"""The `carryoverd` command. Imports heavy modules only once it is clear that a daemon will run."""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from carryover import __version__
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir
from carryover.platform import here

if TYPE_CHECKING:
    from carryover.daemon.own_page import OpenPage

DESCRIPTION = """\
Follows the transcripts that AI coding agents write on this machine, and keeps for each project a short handoff fresh,
from which the next agent continues. Runs in the foreground until it is stopped."""

EPILOG = """\
examples:
  carryoverd                                 run; Ctrl-C stops it in order
  carryoverd install                         the same as `carryover install`: sets everything up
  carryoverd mcp                             the same as `carryover mcp`: the MCP server
  carryoverd --once                          read and publish what is on disk, then exit
  CARRYOVER_HOME=/tmp/try carryoverd         keep all state somewhere else

files, all below ~/.carryover or the folder that CARRYOVER_HOME names:
  config.toml      settings; `kill -HUP <pid>` makes a running daemon read it again
  ledger.sqlite    everything that was said; known key patterns are replaced
  carryoverd.log   one line per decision, no text from transcripts; rotated at 1 MiB

exit codes:
  0 stopped in order    1 failed    2 wrong usage    5 refused, for example because a daemon is already running
  130 stopped by Ctrl-C

`carryover status` shows what a running daemon does."""

OWN_SESSION = "--own-session"
"""The option with which hooks start it: what ends the terminal or the process group of an agent ends no daemon then."""

_DESCRIPTORS = 10_240
"""As in launchd's property list; more are refused there (macOS 14, OPEN_MAX)."""


def main(argv: Sequence[str], page: OpenPage) -> int:
    """Runs `carryoverd` with `argv` and returns its exit code. `page`: what is served for `carryover ui`."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="carryoverd", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw)
    parser.add_argument("--once", action="store_true", help="read and publish what is on disk now, then exit")
    parser.add_argument(OWN_SESSION, action="store_true", help="leave the session of the terminal that starts it")
    parser.add_argument("--version", action="version", version=f"carryoverd {__version__}")
    options = parser.parse_args(argv)
    if options.own_session:
        with suppress(PermissionError):  # it leads one already
            os.setsid()
    gc.disable()  # nothing loaded now is garbage: collecting would take a tenth of the start-up time
    try:
        here().share_memory_among_threads()
        here().allow_descriptors(_DESCRIPTORS)
        from carryover.daemon.start import run  # twice the cost of everything above, so not for --help

        state = StateDir.of(os.environ, Path.home())
        return run(state, once=options.once, page=page, alone=options.own_session)
    except UserError as error:
        from carryover.terminal.output import warn

        warn(f"carryoverd: {error}")
        return error.code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    finally:
        gc.enable()
