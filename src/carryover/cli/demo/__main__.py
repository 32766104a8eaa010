"""Runs the demo: a real daemon on the history found here, or on a recorded session."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final

from carryover import __version__
from carryover.cli.demo.history import from_history
from carryover.cli.demo.replay import from_recording
from carryover.cli.demo.throwaway import ThrowAway
from carryover.cli.from_disk import sources_on_disk
from carryover.config import Config
from carryover.errors import ExitCode, UserError
from carryover.paths import short_path

NEXT: Final = """\
The daemon was stopped and the throw-away folder removed; nothing of yours was changed.

Next:
  {bin}/carryover install   shows what it would write where, asks once, and keeps handoffs fresh
  {bin}/carryoverd          keeps them fresh without an install, and writes nothing that git sees
  {bin}/carryover handoff   prints the handoff of the project you are in
  {bin}/carryover status    says what is watched, and what was skipped and why"""


def main() -> int:
    """Run the demo once; the exit code is 0 with or without a terminal, and whether or not there is history here."""
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, _leave_in_order)
    try:
        with TemporaryDirectory(prefix="carryover-demo-") as folder:
            _show(ThrowAway(Path(folder).resolve()))
    except UserError as error:
        print(f"carryover: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("\nInterrupted. The daemon was stopped and the throw-away folder removed.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    print(NEXT.format(bin=_commands_folder()))
    return ExitCode.OK


def _show(place: ThrowAway) -> None:
    print(f"Carryover {__version__} at work, once, in a throw-away folder.\n")
    place.prepare()
    history = sources_on_disk(Config())
    found = from_history(place, history) if history else None
    if found is None:
        print("The transcripts found here hold no work." if history else "No agent's transcripts were found here.")
        print("Replaying a recorded session of Claude Code as if it were being written now.", flush=True)
        found = from_recording(place)
    root, text = found
    print(f"\nThe handoff of {short_path(root, Path.home())}, where something happened last:\n")
    print(text)


def _commands_folder() -> Path:
    folder = Path(sys.executable).parent
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _leave_in_order(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
