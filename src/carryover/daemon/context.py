"""The context shared by the daemon's parts: folders, environment, settings, ledger and log."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from carryover.adapter.contract import Agent
from carryover.agents import adapters
from carryover.config import Config
from carryover.daemon.log import Log
from carryover.daemon.metrics import Meter
from carryover.facts import ProjectRoot
from carryover.ledger.queries import connect_read_only
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.projects.root import StatePaths, agent_folders, find_root


def _now_ms() -> int:
    return int(time.time() * 1000)


@dataclass(eq=False, kw_only=True)
class DaemonContext:
    """The daemon's shared context. `config` may change while the daemon runs; set it with `use`."""

    state: StateDir
    home: Path
    env: Mapping[str, str]
    config: Config
    ledger: Ledger
    log: Log
    agents: Mapping[str, Agent] = field(default_factory=adapters)
    meter: Meter = field(default_factory=Meter, init=False)
    config_trouble: str | None = field(default=None, init=False)
    """Why `config` differs from the present content of the file."""
    config_changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    last_rescan_ms: int | None = field(default=None, init=False)
    """Time at which the last full scan of the sources began; None until the first has ended."""
    now_ms: Callable[[], int] = field(default_factory=lambda: _now_ms, init=False)
    """Returns the time in UTC ms."""
    clock: Callable[[], float] = field(default_factory=lambda: time.monotonic, init=False)
    """Returns monotonic time in seconds."""

    def use(self, config: Config) -> None:
        """Puts `config` into effect."""
        self.config = config
        self.config_trouble = None
        self.config_changed.set()

    @cached_property
    def paths(self) -> StatePaths:
        """The paths of the ledger and its companions."""
        return StatePaths.of(self.state, self.home, self.agents_own)

    def read_ledger(self) -> closing[sqlite3.Connection]:
        """Returns a read-only connection to the ledger, to be used in a `with` block. Blocks."""
        return closing(connect_read_only(self.state.ledger))

    def agents_own(self) -> frozenset[Path]:
        """Returns the folders in which agents keep their own data, under the present settings."""
        return agent_folders(self.config.agents, self.home, self.env)

    def root_of(self, folder: str) -> ProjectRoot:
        """Returns the project that a folder belongs to. Blocks."""
        return find_root(folder, home=self.home, agents_own=self.agents_own)
