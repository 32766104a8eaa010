"""What the daemon's parts share: the user's folders and environment, and the settings in force."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from carryover.config import Config
from carryover.facts import ProjectRoot
from carryover.paths import StateDir
from carryover.publish.project_root import agent_folders, find_root


class DaemonContext:
    """The state folder, the user's home and environment, and the settings, which may change while the daemon runs."""

    def __init__(
        self,
        state: StateDir,
        home: Path,
        env: Mapping[str, str],
        config: Config,
    ) -> None:
        self.state = state
        self.home = home
        self.env = env
        self.config = config
        self.config_trouble: str | None = None
        """Why `config` is not what the file says now."""
        self.config_changed = asyncio.Event()

    def use(self, config: Config) -> None:
        """Puts `config` into force."""
        self.config = config
        self.config_trouble = None
        self.config_changed.set()

    def reads(self, agent_id: str) -> bool:
        """Whether this agent's transcripts are to be read."""
        return self.config.reads(agent_id)

    def agents_own(self) -> frozenset[Path]:
        """The folders in which agents keep what is theirs, by the settings that hold now."""
        return agent_folders(self.config.agents, self.home, self.env)

    def root_of(self, folder: str) -> ProjectRoot:
        """The project that a folder belongs to. Blocks."""
        return find_root(folder, home=self.home, agents_own=self.agents_own)

    def active_days(self) -> int:
        """For how long after its last event a project is published."""
        return self.config.publish.active_days
