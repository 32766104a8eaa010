"""What the daemon's parts share: folders, environment, settings, ledger, log, and the folders to read."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from carryover.adapter.contract import Agent
from carryover.agents import adapters
from carryover.clock import utc_now_ms
from carryover.config import Config, project_settings
from carryover.daemon.health import HookCount
from carryover.daemon.log import Log
from carryover.importing.declared import all_agents
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import MOST_PROJECTS, known_projects, roots_in_projects, roots_to_read
from carryover.ledger.connect import connect_read_only
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.transcript.sqlite import stat


@dataclass(eq=False, kw_only=True)
class DaemonContext:
    """The daemon's shared context. `config` may change while the daemon runs; set it with `use`."""

    state: StateDir
    home: Path
    env: Mapping[str, str]
    config: Config
    ledger: Ledger
    log: Log
    known: Mapping[str, Agent] = field(default_factory=adapters)
    """The agents with an adapter, by id."""
    hook_calls: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(HookCount), 0), init=False)
    """Calls since the start."""
    config_trouble: str | None = field(default=None, init=False)
    """Why `config` differs from the present content of the file."""
    config_changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set at the next change, which brings another event."""
    last_rescan_ms: int | None = field(default=None, init=False)
    """Time at which the last full scan of the sources began; None until the first has ended."""
    transcripts: int = field(default=0, init=False)
    """How many transcripts that scan found."""
    rescan_s: float = field(default=0.0, init=False)
    """How long it took."""
    unread: Callable[[], int] = field(default_factory=lambda: lambda: 0, init=False)
    """How many of them wait to be read."""
    pools: list[ThreadPoolExecutor] = field(default_factory=list, init=False)
    """Thread pools of the daemon's parts, to be shut down at the end."""
    now_ms: Callable[[], int] = field(default_factory=lambda: utc_now_ms, init=False)
    clock: Callable[[], float] = field(default_factory=lambda: time.monotonic, init=False)
    asked: tuple[str, ...] = field(default=(), init=False)
    """The roots of the projects that commands asked about, which the ledger may not know yet."""
    _agents_folders: tuple[TranscriptRoot, ...] = field(default=(), init=False)
    _folders_of: Config | None = field(default=None, init=False)
    """The settings under which `_agents_folders` are the agents' folders."""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _found: tuple[Path, ...] = field(default=(), init=False)
    _mark: object = field(default=None, init=False)

    def use(self, config: Config) -> None:
        """Puts `config` into effect."""
        self.config = config
        self.config_trouble = None
        self.config_changed.set()
        self.config_changed = asyncio.Event()

    def pool(self, threads: int, name: str, begin: Callable[[], None] | None = None) -> ThreadPoolExecutor:
        """Returns a new one of `pools`. `begin` is called first in each of its threads."""
        self.pools.append(ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=begin))
        return self.pools[-1]

    @property
    def agents(self) -> Mapping[str, Agent]:
        """Returns every agent whose sources are read under the present settings, by id."""
        return all_agents(self.config.sources, self.known)

    @property
    def paths(self) -> StatePaths:
        return StatePaths(self.state, self.home, self.config.agents)

    def read_ledger(self) -> closing[sqlite3.Connection]:
        """Returns a read-only connection to the ledger, to be used in a `with` block. Blocks."""
        return closing(connect_read_only(self.state.ledger))

    def roots(self) -> tuple[TranscriptRoot, ...]:
        """Returns the agents' folders and the projects with sources, under the present settings. Blocks."""
        return (*self.folders(), *self.projects())

    def folders(self) -> tuple[TranscriptRoot, ...]:
        """Returns the agents' folders. They depend only on the settings, so they are computed once for each."""
        config = self.config
        if self._folders_of is not config:
            self._agents_folders = roots_to_read(self.agents.values(), config, self.home, self.env)
            self._folders_of = config
        return self._agents_folders

    def projects(self) -> tuple[TranscriptRoot, ...]:
        """Returns the known projects with sources. Blocks: reads the ledger if it has changed."""
        config = self.config
        agents = [agent for agent in self.agents.values() if agent.in_projects and config.reads(agent.id)]
        if not agents:
            return ()
        with self._lock:
            mark = None
            with suppress(OSError):  # there is none yet
                mark = stat(self.state.ledger)
            if mark != self._mark:
                self._mark, self._found = mark, known_projects(self.state.ledger)
        found = roots_in_projects(agents, (*map(Path, self.asked), *self._found))
        return tuple(root for root in found if not project_settings(root.path, config).excluded)

    def ask_about(self, root: str) -> None:
        """Adds the project at `root` to those that commands asked about."""
        self.asked = tuple(dict.fromkeys((str(Path(root)), *self.asked)))[:MOST_PROJECTS]
