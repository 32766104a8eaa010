"""A project's data from the ledger as the distiller gets it, bounded however old the project is."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.distill.digest import Digest
from carryover.model import Pin

DISK_ROOTS: Final = ("", "C:", "D:")
"""The checkouts of a project whose folder is unknown: roots of disks, so that files are shown by their full paths."""


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One session of the project with its digests. Times are UTC milliseconds."""

    session: str
    agent: str
    started_ms: int
    last_ms: int
    digest: Digest
    subagents: tuple[Digest, ...] = ()
    parent: str | None = None
    """The session it was forked or continued from."""
    where: str = ""
    """Where another machine recorded it, such as ` on laptop`; empty if this one did."""

    @property
    def digests(self) -> tuple[Digest, ...]:
        """The main conversation's digest, then its sub-agents' digests."""
        return (self.digest, *self.subagents)

    @property
    def newest_ms(self) -> int:
        """The time of the last event in a digest; `last_ms` also counts events that no digest has."""
        return max(digest.last_ms for digest in self.digests)


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """A text from outside that the user brought in: the session that holds it, its title, and its time (UTC ms)."""

    session: str
    title: str
    at_ms: int
    text: str = ""
    """Of another person's handoff; others are only named."""


class Worktree(msgspec.Struct, frozen=True, kw_only=True):
    """Another checkout of the same repository, which has its own handoff, and its newest prompt."""

    root: str
    last_event_ms: int
    task: str = ""


class ProjectView(msgspec.Struct, frozen=True, kw_only=True):
    """A project's data. `sessions`: most recently active first, at most 20 and the newest one that worked."""

    root: str
    sessions: tuple[SessionView, ...]
    opinions: tuple[Opinion, ...] = ()
    """The newest ones, at most 2."""
    shared: Opinion | None = None
    """The newest handoff of another person, if nothing else is recorded in the project."""
    pins: tuple[Pin, ...] = ()
    """Those of the main checkout first."""
    worktrees: tuple[Worktree, ...] = ()
    """Those with work; for a worktree, the main checkout if work was left unfinished there."""
    main_root: str | None = None
    """Root of the main checkout, if this project is a worktree of it."""
    is_of_main: bool = False
    """Whether the sessions are the main checkout's, since nothing has happened in this worktree yet."""
    former_roots: tuple[str, ...] = ()
    lost_branches: frozenset[str] = frozenset()
    """Branches on which there was work and that the repository does not have, as once they were merged and deleted."""
    checkouts: tuple[str, ...] = ()
    """Roots of worktrees that agents created for themselves: work there counts as work on this project."""

    @property
    def digests(self) -> tuple[Digest, ...]:
        """The digests of all sessions and their sub-agents."""
        return tuple(digest for session in self.sessions for digest in session.digests)

    @property
    def trees(self) -> tuple[str, ...]:
        """The checkouts that can be named."""
        return tuple(tree for tree in self.checkouts if tree not in DISK_ROOTS)


def was_brought_in(view: ProjectView) -> bool:
    """Whether the user gave Carryover something to hand over, such as a note."""
    return bool(view.opinions or view.pins)


def has_past(view: ProjectView) -> bool:
    """Whether there is anything to hand over. Cheap, so that it can be asked before any probe runs."""
    return any(session.digest.turns for session in view.sessions)
