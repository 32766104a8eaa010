"""Where a command was called: the user's home, the state folder, the project that is meant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from carryover.config import ToolsConfig, load_config
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir

if TYPE_CHECKING:
    from carryover.publish.project_root import AgentFolders, ProjectRoot


def state_dir() -> StateDir:
    """The state folder of whoever called. Creates nothing."""
    return StateDir.of(os.environ, Path.home())


def agents_own(tools: ToolsConfig) -> AgentFolders:
    """What gives the folders in which agents keep what is theirs."""
    from carryover.publish.project_root import agent_folders

    return lambda: agent_folders(tools, Path.home(), os.environ)


def root_of(folder: str) -> ProjectRoot:
    """The project that a folder belongs to.

    Raises UserError for a worktree, which may be an agent's own, where the settings can't be read.
    """
    from carryover.publish.project_root import find_root

    return find_root(folder, agents_own=lambda: agents_own(load_config(state_dir().config).tools)())


def project_root(project: str | None) -> str:
    """Root of the project that `project`, or the current folder, lies in. The folder need not exist any more.

    Symlinks are resolved, because agents record the working directory as the system names it.
    """
    try:
        return root_of(os.path.realpath(Path(project or ".").expanduser())).root
    except FileNotFoundError as error:
        raise UserError(
            "The current folder no longer exists. Name the project's folder as an argument.", ExitCode.NOTHING_FOUND
        ) from error
