"""The errors people see, and the exit codes of both commands."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `carryover` and `carryoverd`; documented in docs/commands.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOTHING_FOUND = 3
    NOT_RUNNING = 4
    REFUSED = 5
    INTERRUPTED = 130


def os_reason(error: OSError) -> str:
    """The reason in an error of the file system, without the path."""
    return error.strerror or str(error)


class UserError(Exception):
    """Something the user can act on: says what happened, what was kept and what to do. Printed without a traceback."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code
