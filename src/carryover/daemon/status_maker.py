"""What a daemon needs to answer `carryover status`. The text is made by the code of that command, which is handed in:
the daemon itself knows nothing of installations and of text for people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from carryover.daemon.health import Health
from carryover.paths import StateDir


class StatusQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, by a command with the environment `env`. `versions`: see `carryover.diagnose.gather.Running`."""

    state: StateDir
    home: Path
    env: Mapping[str, str]
    health: Health
    versions: Callable[[Mapping[str, str]], Mapping[str, str]]
    colour: bool = False
    as_json: bool = False


class StatusMaker(Protocol):
    """Makes the text of `carryover status`. Both functions block, and may raise UserError, OSError and ImportError."""

    def variables(self) -> Collection[str]:
        """The names of the variables that the text depends on; none where this process can't make it."""

    def text(self, question: StatusQuestion) -> str | None:
        """The lines, not yet broken to a terminal's width; None where this process can't make them."""
