"""Sources that agents keep in the projects themselves.

They are found only in known projects, and read only if the user's own agent wrote them.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.errors import UserError
from carryover.ingest.scan import TranscriptRoot
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects
from carryover.probe.own_file import why_not_own

MOST_PROJECTS: Final = 500
"""Maximum number of known projects used as roots, newest activity first."""
REFRESH_S: Final = 2.0
"""Maximum age of the list of known projects while the ledger changes."""


def others_sources(agent: Agent, root: Path) -> list[tuple[Source, str]]:
    """Returns the sources in a project that are not read, each with the reason as a clause. Blocks."""
    found = []
    for source in agent.sources(root):
        try:
            reason = why_not_own(agent, root, Path(source.path))
        except OSError:
            continue
        if reason is not None:
            found.append((source, reason))
    return found


def roots_in_projects(agents: Iterable[Agent], folders: Iterable[Path]) -> tuple[TranscriptRoot, ...]:
    """Returns, as roots, the projects that contain a source of one of these agents."""
    keeping = [agent for agent in agents if agent.in_projects]
    if not keeping:
        return ()
    roots = []
    for folder in dict.fromkeys(folders):
        for agent in keeping:
            paths = [Path(source.path) for source in agent.sources(folder)]
            if paths:
                files = tuple(path for path in paths if agent.source_of(path, folder) is None)
                roots.append(TranscriptRoot(agent.id, folder, in_project=True, files=files))
    return tuple(roots)


def known_projects(ledger: Path) -> tuple[Path, ...]:
    """Returns the folders of known projects, newest activity first; none if the ledger can't be read. Blocks."""
    try:
        with closing(connect_read_only(ledger)) as db:
            roots = [row.root for row in projects(db)[:MOST_PROJECTS]]
    except (UserError, sqlite3.Error):
        return ()
    return tuple(Path(root) for root in roots if root.startswith("/"))


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

    def add(self, root: Path) -> None:
        """Adds a project that a command asked about, which the ledger may not know yet."""
        with self._lock:
            self._asked = dict.fromkeys([root, *self._asked][:MOST_PROJECTS])

    @property
    def asked(self) -> tuple[Path, ...]:
        """The projects that commands asked about."""
        with self._lock:
            return tuple(self._asked)

    def folders(self) -> tuple[Path, ...]:
        """Returns the projects' folders. Reads the ledger only if it has changed, at most every two seconds. Blocks."""
        with self._lock:
            if self._clock() >= self._due:
                self._due = self._clock() + REFRESH_S
                mark = [_stamp(Path(f"{self._ledger}{end}")) for end in ("", "-wal")]
                if mark != self._mark:
                    self._mark = mark
                    self._found = known_projects(self._ledger)
            return tuple(dict.fromkeys((*self._asked, *self._found)))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
