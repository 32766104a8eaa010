"""An interactive program in a box, typed at and read through tmux."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from real_agents.lab.box import Box, wait_until

PASTED_S: Final = 0.6
"""A Return that comes sooner after the text counts as part of a paste (Claude Code 2.0.65); no sign says when not."""

PRESSES: Final = 6


class Terminal:
    """A terminal of 120 x 50 with one program in it. Leaving the context ends the program."""

    def __init__(self, box: Box, *command: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        """Starts the program; `env` are variables beside those of the box."""
        self._box = box
        where = ("-x", "120", "-y", "50", "-c", str(cwd))
        box.must("tmux", "-f", "/dev/null", "new-session", "-d", "-s", "lab", *where, shlex.join(command), env=env)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._box.run("tmux", "kill-server")

    def screen(self) -> str:
        return self._box.must("tmux", "capture-pane", "-p", "-t", "lab")

    def key(self, *names: str) -> None:
        """Presses keys, named as tmux names them: "Enter", "Escape", "C-c"."""
        self._box.must("tmux", "send-keys", "-t", "lab", *names)

    def choose(self, key: str, pattern: str) -> None:
        """Presses a key until `pattern` is on the screen: a key that comes too soon is lost. Raises TimeoutError."""
        for _ in range(PRESSES - 1):
            self.key(key)
            with suppress(TimeoutError):
                return self.wait(pattern, 5.0)
        self.key(key)
        return self.wait(pattern)

    def enter(self, text: str) -> None:
        self._box.must("tmux", "send-keys", "-t", "lab", "-l", text)
        self.wait(r"[\s┃]+".join(map(re.escape, text.split())))  # wherever the input field breaks the line
        time.sleep(PASTED_S)
        self.key("Enter")

    def wait_end(self) -> None:
        wait_until(lambda: self._box.run("tmux", "has-session", "-t", "lab").code != 0)

    def wait_text(self, text: str) -> None:
        """Until `text` is on the screen, wherever a line is broken, in a word too. Raises TimeoutError."""
        self.wait(r"\s*".join(map(re.escape, "".join(text.split()))), 90)

    def wait(self, pattern: str, timeout_s: float = 30) -> None:
        """Until `pattern` is on the screen. Raises TimeoutError, with the screen."""
        try:
            wait_until(lambda: re.search(pattern, self.screen()) is not None, timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{pattern!r} did not appear in {timeout_s} s; the screen:\n{self.screen()}") from error
