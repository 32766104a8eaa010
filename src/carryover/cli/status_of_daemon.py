"""`carryover status`, made by the running daemon: what that takes is loaded there at the first question.

A daemon that nobody asks never loads it. One whose program was replaced in the meantime does not load it, since
that would be the code of another version.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

import carryover

if TYPE_CHECKING:
    from carryover.daemon.status_maker import StatusQuestion

_OF_THE_SYSTEM: Final = (
    "CARRYOVER_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "HOME",
    "PATH",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
)
"""What finds the state folder, commands and the service manager."""


class StatusOfDaemon:
    """See the module, and `carryover.daemon.status_maker.StatusMaker`."""

    def __init__(self) -> None:
        self._program = _program()

    def variables(self) -> Collection[str]:
        """The names of the variables that the text depends on; none where this process can't make it."""
        if self._program != _program():
            return ()
        from carryover.agents import specs
        from carryover.install.machine import variables

        return sorted({*_OF_THE_SYSTEM, *variables(), *(name for spec in specs() for name in spec.variables)})

    def text(self, question: StatusQuestion) -> str | None:
        """The lines, not yet broken to a terminal's width; None where this process can't make them."""
        if self._program != _program():
            return None
        from carryover.cli.output import coloured, json_text
        from carryover.cli.status import status_lines
        from carryover.diagnose.gather import Running, gather
        from carryover.diagnose.report import as_data

        running = Running(question.health, question.versions)
        if self._program != _program():
            return None
        report = gather(question.state, question.home, env=question.env, running=running)
        if question.as_json:
            return json_text(as_data(report)) + "\n"
        with coloured(question.colour):
            return "".join(f"{line}\n" for line in status_lines(report, now_ms=int(time.time() * 1000)))


def _program() -> tuple[int, ...]:
    """What changes when the package is installed again."""
    try:
        found = Path(carryover.__file__).stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
