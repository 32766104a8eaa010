"""A terminal with a program in it: keys go in, what stands on the screen comes out."""

import os
import pty
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from support import forked

ENTER: Final = "\r"
UP: Final = "\x1b[A"
DOWN: Final = "\x1b[B"
RIGHT: Final = "\x1b[C"
LEFT: Final = "\x1b[D"
CTRL_C: Final = "\x03"
ESCAPE: Final = "\x1b"
LIMIT_S: Final = 30.0

_ESCAPE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>78]|\x1b\][^\x07]*\x07")


class Terminal:
    """The program runs while the block lasts. `text` is all it has shown so far, without escape sequences."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        columns: int = 120,
        lines: int = 40,
        cwd: Path | None = None,
    ) -> None:
        self._command = command
        self._cwd = cwd
        self._size = lines, columns
        self._env = {**env, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}
        self._shown = b""
        self._seen = 0

    @property
    def text(self) -> str:
        return _ESCAPE.sub("", self._shown.decode(errors="replace")).replace("\r", "")

    @property
    def shown(self) -> bytes:
        return self._shown

    def press(self, *keys: str) -> None:
        for key in keys:
            if key == CTRL_C:
                self._until_it_waits()
            os.write(self._ours, key.encode())

    def wait_for(self, words: str) -> str:
        """All that was shown once `words` are among it, not counting what was shown before the last call."""
        before = self._seen
        deadline = time.monotonic() + LIMIT_S
        while words not in self.text[before:]:
            assert time.monotonic() < deadline, f"waited in vain for {words!r}; shown: {self.text}"
            if not self._read():
                break
        assert words in self.text[before:], self.text
        self._seen = len(self.text)
        return self.text[before:]

    def signal(self, number: signal.Signals) -> None:
        self._until_it_waits()
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Its exit code and all it has shown, once it has ended."""
        deadline = time.monotonic() + LIMIT_S
        while self._read():
            assert time.monotonic() < deadline, f"does not end; shown: {self.text}"
        return self._process.wait(LIMIT_S), self.text

    def _until_it_waits(self) -> None:
        """Between two reads, or between a question and the first, Python notices a signal only after the next key."""
        deadline = time.monotonic() + LIMIT_S
        while not self._waits():
            assert time.monotonic() < deadline, f"is always busy; shown: {self.text}"

    def _waits(self) -> bool:
        """Whether it sleeps; elsewhere than on Linux nothing tells."""
        if sys.platform != "linux":
            return True
        return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"

    def _read(self) -> bool:
        """False once nobody can show anything any more."""
        ready, _, _ = select.select([self._ours], [], [], LIMIT_S)
        assert ready, f"nothing happened for {LIMIT_S:g} s; shown: {self.text}"
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            return False
        # prompt_toolkit asks where the cursor is, as a real terminal would tell.
        if b"\x1b[6n" in data:
            os.write(self._ours, b"\x1b[1;1R")
        self._shown += data
        return bool(data)

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, self._size)
        self._process = forked.start(self._command, env=self._env, cwd=self._cwd, streams=(theirs,) * 3, terminal=True)
        os.close(theirs)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(LIMIT_S)
        os.close(self._ours)


def played(
    command: Sequence[str], *steps: tuple[str, str], env: Mapping[str, str] = os.environ, **size: Any
) -> tuple[int, str]:
    """The exit code of a command and all it has shown. Each step waits for words on the screen and presses keys."""
    with Terminal(command, env, **size) as terminal:
        for words, keys in steps:
            terminal.wait_for(words)
            terminal.press(keys)
        return terminal.end()
