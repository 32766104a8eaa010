"""Where a command was called: the user's home, the state folder, the project that is meant."""

from __future__ import annotations

import os
from pathlib import Path

from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir


def state_dir() -> StateDir:
    """The state folder of whoever called. Creates nothing."""
    return StateDir.of(os.environ, Path.home())


def project_root(project: str | None) -> str:
    """Root of the project that `project`, or the current folder, lies in. The folder need not exist any more.

    Symlinks are resolved, because agents record the working directory as the system names it.
    """
    from carryover.publish.project_root import find_root

    try:
        return find_root(os.path.realpath(Path(project or ".").expanduser())).root
    except FileNotFoundError as error:
        raise UserError(
            "The current folder no longer exists. Name the project's folder as an argument.", ExitCode.NOTHING_FOUND
        ) from error
