"""What tells one repository from another on every machine: its first commit and its remotes. Blocking."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from carryover.fsio import is_folder
from carryover.probe.git_command import ask
from carryover.projects.moved_folders import FIRST_COMMIT, REMOTES
from carryover.sync.payload import SyncedProject
from carryover.sync.remotes import normalised

_GIT_S: Final = 2.0
_MOST_REMOTES: Final = 20
_LONGEST: Final = 4_096


def repository_of(root: str) -> SyncedProject:
    """Returns the project at `root` with what identifies its repository; without that if there is none, or git is slow."""
    folder = Path(root)
    try:
        if not is_folder(folder):
            return SyncedProject(root=root)
        first, remotes = ask(folder, FIRST_COMMIT, REMOTES, deadline=time.monotonic() + _GIT_S)
    except OSError:
        return SyncedProject(root=root)
    if first.code != 0 or not first.out.strip():
        return SyncedProject(root=root)
    urls = (entry.partition(b"\n")[2].decode("utf-8", "replace") for entry in remotes.out.split(b"\0"))
    known = sorted({normalised(url) for url in urls if url.strip()})
    return SyncedProject(
        root=root,
        first_commit=first.out.split()[0].decode("ascii", "replace"),
        remotes=tuple(url for url in known if len(url) <= _LONGEST)[:_MOST_REMOTES],
    )


def is_same_repository(one: SyncedProject, other: SyncedProject) -> bool:
    """Whether both are clones of one repository: with the same first commit and a remote in common."""
    same_commit = one.first_commit is not None and one.first_commit == other.first_commit
    return same_commit and not set(one.remotes).isdisjoint(other.remotes)
