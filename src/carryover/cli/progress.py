"""Progress on stderr: redrawn in place on a terminal, now and then a plain line elsewhere; of the first read, too."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from contextlib import closing
from typing import Final, Literal, TextIO

import msgspec

from carryover.cli.output import counted
from carryover.daemon.client import ask_health
from carryover.daemon.health import Health
from carryover.errors import UserError
from carryover.ledger.coverage import agents_seen
from carryover.ledger.queries import connect_read_only, projects
from carryover.paths import StateDir

PLAIN_EVERY_S: Final = 2.0
"""Without a terminal, a line at most this often: enough to see that something moves, little enough for a log."""

BAR_WIDTH: Final = 12


class Progress:
    """Shows how far something has come. `finish` leaves the last state standing and ends the line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_place = stream.isatty()
        self._shown = ""
        self._shown_at_s = float("-inf")

    def update(self, share: float, text: str) -> None:
        """Show `text` beside a bar; `share` is how much is done, from 0 to 1."""
        if self._in_place:
            line = f"{_bar(share)} {text}"[: shutil.get_terminal_size().columns - 1]
            self._stream.write(f"\r\x1b[K{line}")
        elif time.monotonic() - self._shown_at_s >= PLAIN_EVERY_S and text != self._shown:
            self._stream.write(f"{text}\n")
            self._shown_at_s = time.monotonic()
        self._shown = text
        self._stream.flush()

    def clear(self) -> None:
        """Take the display away, where it can be."""
        if self._in_place and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def finish(self, text: str) -> None:
        """Replace the display by `text`, for good."""
        self._stream.write(f"\r\x1b[K{text}\n" if self._in_place else f"{text}\n")
        self._stream.flush()


def _bar(share: float) -> str:
    filled = round(BAR_WIDTH * min(max(share, 0.0), 1.0))
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"


LOOK_EVERY_S: Final = 0.2
BUSY_ANSWER_S: Final = 10.0

End = Literal["done", "interrupted", "lost"]


class Held(msgspec.Struct, frozen=True):
    """What the ledger holds."""

    sessions: int
    projects: int


def held_by(state: StateDir) -> Held | None:
    """None where there is no ledger that can be read."""
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            return Held(sum(row.sessions for row in agents_seen(db)), len(projects(db)))
    except (UserError, sqlite3.Error):
        return None


def watch_first_read(state: StateDir) -> End:
    """Shows on stderr how far the daemon is, until it has read all; Ctrl-C ends the watching and nothing else."""
    progress = Progress(sys.stderr)
    try:
        while True:
            health = ask_health(state, timeout_s=BUSY_ANSWER_S)
            if health is None:
                progress.clear()
                return "lost"
            if health.caught_up:
                progress.clear()
                return "done"
            progress.update(*how_far(health))
            time.sleep(LOOK_EVERY_S)
    except (TimeoutError, UserError):
        progress.clear()
        return "lost"
    except KeyboardInterrupt:
        progress.clear()
        return "interrupted"


def how_far(health: Health) -> tuple[float, str]:
    """The share that is read, and the words for it."""
    sources, waiting = health.sources, health.waiting_sources
    if health.last_sweep_ms is None:
        return 0.0, "looking for transcripts"
    if not sources or not waiting:
        return 1.0, "writing handoffs"
    read = max(0, sources - waiting)
    return read / sources, f"{read:,} of {counted(sources, 'transcript')} read, newest project first"
