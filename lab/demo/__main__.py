"""`make run`: reads this machine's history, or the README's example, once, into a temporary ledger."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from carryover import __version__
from carryover.agents import adapters, agent_names
from carryover.clock import utc_now_ms
from carryover.config import Config
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import projects, totals
from carryover.past.from_disk import chosen_sources, sources_on_disk, temporary_ledger
from carryover.publish.make import made_handoff
from carryover.terminal.output import counted, print_document, print_lines, say, size, warn
from carryover.terminal.paths import short_path
from carryover.terminal.streams import flush, guard
from demo.replay import example, make_project, replay

_NEXT: Final = """\
The throw-away folder was removed; nothing of yours was changed.

Next:
  {bin}/carryover install   shows what it would write where, asks once, and keeps handoffs fresh
  {bin}/carryoverd          keeps them fresh without an install, and writes nothing that git sees
  {bin}/carryover handoff   prints the handoff of the project you are in
  {bin}/carryover status    says what is watched, and what was skipped and why"""

_MOST_BYTES: Final = 100_000_000
"""Reads only this much of a longer history, newest first, so that the demo starts quickly."""

KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")
"""The only environment variables that a recorded session inherits: none may lead to the user's own files."""


def main() -> int:
    """Runs the demo. Exits with 0 with or without a terminal, and whether or not there is any history."""
    guard()
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, lambda number, _frame: sys.exit(128 + number))
    try:
        with TemporaryDirectory(prefix="carryover-demo-") as folder:
            _show(Path(folder).resolve())
    except UserError as error:
        warn(f"carryover: {error}")
        return error.code
    except KeyboardInterrupt:
        warn("", "Interrupted. The throw-away folder was removed.")
        return ExitCode.INTERRUPTED
    bin_folder = Path(sys.executable).parent
    shown = os.path.relpath(bin_folder) if bin_folder.is_relative_to(Path.cwd()) else bin_folder
    print_lines(_NEXT.format(bin=shown).split("\n"), fits=True)
    return ExitCode.OK


def _show(folder: Path) -> None:
    say(f"Carryover {__version__} at work, once, in a throw-away folder.", "")
    history, home, handoff = sources_on_disk(Config()), Path.home(), None
    if history:
        used = {item.source.agent for item in history}
        names = ", ".join(name for agent, name in agent_names().items() if agent in used)
        amount = f"{counted(len(history), 'transcript')} of {names} ({size(sum(item.size for item in history))})"
        say(f"Found {amount}. Reading the newest of them.")
        flush()
        handoff = _read()
    if handoff is None:
        say("The transcripts found here hold no work." if history else "No agent's transcripts were found here.")
        say("Reading the README's example instead, a session of Claude Code.")
        flush()
        handoff = _read_example(folder)
    root, text = handoff
    say("", f"The handoff of {short_path(root, home)}, where something happened last:", "")
    print_document(f"{text}\n")


def _read_example(home: Path) -> tuple[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=str(home))
    make_project(home / "shop", os.environ)
    replay(home / ".claude", home / "shop", example())
    handoff = _read()
    if handoff is None:
        raise UserError("The example gave no handoff.")
    return handoff


def _read() -> tuple[str, str] | None:
    """Returns the newest project's root and handoff, or None if there was nothing to hand over."""
    begin_s = time.monotonic()
    with temporary_ledger(chosen_sources(Config(), None, most_bytes=_MOST_BYTES), adapters()) as ledger:
        sums = totals(ledger)
        secrets = f", {counted(sum(sums.redactions.values()), 'secret')} taken out" if sums.redactions else ""
        took = f"in {time.monotonic() - begin_s:.1f} s"
        say(f"{counted(sums.sources, 'transcript')} read, {counted(sums.events, 'event')}{secrets}, {took}")
        handoffs = (made_handoff(ledger, project.id, Config(), now_ms=utc_now_ms()) for project in projects(ledger))
        return next(((one.root, one.text) for one in handoffs if one.text is not None), None)


if __name__ == "__main__":
    sys.exit(main())
