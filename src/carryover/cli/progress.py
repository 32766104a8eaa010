"""A progress display of one line: rewritten in place on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import shutil
import time
from typing import Final, TextIO

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
