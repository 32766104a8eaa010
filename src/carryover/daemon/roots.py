"""The folders that the daemon reads transcripts from: the agents' own, and known projects that contain sources."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.config import Config, project_settings
from carryover.daemon.context import DaemonContext
from carryover.ingest.scan import MOST_PROJECTS, TranscriptRoot, known_projects, roots_in_projects, roots_to_read
from carryover.readers.sqlite import stat

REFRESH_S: Final = 2.0
"""Maximum age of the list of known projects while the ledger changes."""


class ReadRoots:
    """The roots to read under the present settings. Thread-safe."""

    def __init__(self, context: DaemonContext) -> None:
        self._context = context
        self.known = KnownProjects(context.state.ledger)
        self._folders: tuple[Config | None, tuple[TranscriptRoot, ...]] = (None, ())

    def all(self) -> tuple[TranscriptRoot, ...]:
        """Returns the agents' folders and the projects. Blocks."""
        return (*self.folders(), *self.projects())

    def folders(self) -> tuple[TranscriptRoot, ...]:
        """Returns the agents' folders. They depend only on the settings, so they are computed once for each."""
        context = self._context
        config, found = self._folders
        if config is not context.config:
            config = context.config
            found = roots_to_read(context.agents.values(), config, context.home, context.env)
            self._folders = config, found
        return found

    def projects(self) -> tuple[TranscriptRoot, ...]:
        """Returns the known projects that contain sources to be read. Blocks, unless no agent keeps any there."""
        config = self._context.config
        agents = [agent for agent in self._context.agents.values() if agent.in_projects and config.reads(agent.id)]
        if not agents:
            return ()
        found = roots_in_projects(agents, self.known.folders())
        return tuple(root for root in found if not project_settings(root.path, config).excluded)


class KnownProjects:
    """The daemon's known projects: those in the ledger, and those that a command asked about. Thread-safe."""

    def __init__(self, ledger: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[Path, None] = {}
        self._found: tuple[Path, ...] = ()
        self._mark: object = None
        self._due = 0.0

    def add(self, root: str) -> None:
        """Adds a project that a command asked about, which the ledger may not know yet."""
        with self._lock:
            self._asked = dict.fromkeys([Path(root), *self._asked][:MOST_PROJECTS])

    @property
    def asked(self) -> tuple[str, ...]:
        """The roots of the projects that commands asked about."""
        with self._lock:
            return tuple(map(str, self._asked))

    def folders(self) -> tuple[Path, ...]:
        """Returns the projects' folders. Reads the ledger only if it has changed, at most every two seconds. Blocks."""
        with self._lock:
            if self._clock() >= self._due:
                self._due = self._clock() + REFRESH_S
                mark = None
                with suppress(OSError):  # there is none yet
                    mark = stat(self._ledger)
                if mark != self._mark:
                    self._mark = mark
                    self._found = known_projects(self._ledger)
            return tuple(dict.fromkeys((*self._asked, *self._found)))
