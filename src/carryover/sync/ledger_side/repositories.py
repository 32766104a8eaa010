"""What tells one repository from another on every machine: its first commit and its remotes. Blocking."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.queries import Whereabouts
from carryover.probe.git_command import ask
from carryover.projects.moved_folders import FIRST_COMMIT, REMOTES
from carryover.sync.payload import SyncedProject
from carryover.sync.remotes import normalised

_GIT_S: Final = 2.0
_MOST_REMOTES: Final = 20
_LONGEST: Final = 4_096


def repository_of(root: str) -> SyncedProject:
    """Returns the project at `root` with what identifies its repository, unless there is none or git is slow."""
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


def same_projects(root: str, known: Iterable[Whereabouts]) -> list[Whereabouts]:
    """Returns other machines' projects that are clones of the repository at `root` and are not joined yet. Blocking."""
    candidates = [row for row in known if is_foreign(row.root) and row.moved_to is None and row.has_sessions]
    waiting = [(row, _identity_in(row.identity)) for row in candidates]
    if not any(identity is not None for _, identity in waiting):
        return []
    here = repository_of(root)
    return [row for row, identity in waiting if identity is not None and _is_same(here, identity)]


def _is_same(one: SyncedProject, other: SyncedProject) -> bool:
    """Whether both are clones of one repository: with the same first commit and a remote in common."""
    same_commit = one.first_commit is not None and one.first_commit == other.first_commit
    return same_commit and not set(one.remotes).isdisjoint(other.remotes)


def _identity_in(stored: str | None) -> SyncedProject | None:
    """Returns what identifies another machine's project; None if it is unknown."""
    try:
        return msgspec.json.decode(stored, type=SyncedProject) if stored is not None else None
    except (msgspec.MsgspecError, UnicodeError):
        return None
