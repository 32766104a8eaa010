"""A command that runs in a client until the test lets it go on."""

from __future__ import annotations

import os
from typing import Final

from real_agents.lab.box import DEV, OUT, Box, wait_until

REACHED_S: Final = 60.0
"""A client may take long to come to it on a busy machine."""


class Gate:
    """A named pipe. `command` reads from it, and so waits until somebody has opened and closed its other end."""

    def __init__(self, box: Box, name: str) -> None:
        path: Final = OUT / name
        self.command = f"cat {path}"
        self._here = box.here(path)
        os.mkfifo(self._here)
        os.chown(self._here, DEV, DEV)
        self._writer: int | None = None

    def wait_reached(self) -> None:
        """Until the command runs. Raises TimeoutError."""
        wait_until(self._reached, REACHED_S)

    def open(self) -> None:
        """Lets the command end."""
        assert self._writer is not None
        os.close(self._writer)

    def _reached(self) -> bool:
        """A pipe can be opened for writing, without waiting, only while somebody reads from it."""
        try:
            self._writer = os.open(self._here, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        return True
