"""Facts about folders and files on disk: the types that probes return and everything else reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

Clock = Callable[[int], datetime]
"""Returns the time of day in the reader's zone, for a moment in UTC ms."""

DAY_MS: Final = 86_400_000
_FOREIGN: Final = re.compile(r"[A-Za-z0-9._-]{2,40}:/")


def in_utc(at_ms: int) -> datetime:
    """The clock of nobody's place."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def foreign_root(machine: str, path: str) -> str:
    """Returns a path of another machine, which has that name here, as a text that is no absolute path."""
    return f"{machine}:{path}"


def is_foreign(root: str) -> bool:
    """Whether the root of a project is a folder of another machine, which is never read or written here."""
    return _FOREIGN.match(root) is not None


class ProjectRoot(msgspec.Struct, frozen=True):
    """The top folder of a project."""

    root: str
    main_root: str | None = None
    """Root of the main checkout, if this is a worktree of it."""
    checkout: str | None = None
    """Top of the checkout that was looked up, if an agent created it for itself as a worktree of this project."""
    gone: bool = False
    """Whether the folder that was looked up no longer exists."""


FindRoot = Callable[[str], ProjectRoot]
"""Returns the project that a working folder (an absolute path) belongs to. Blocking."""


class GitNotes(msgspec.Struct, frozen=True, kw_only=True):
    """Unfinished operations, resets and stashes of a checkout. Times are UTC ms; 0 for what never happened."""

    under_way: str = ""
    """What git has begun and not finished, such as `merge` or `rebase`."""
    rebased: str = ""
    """The branch of a rebase that is under way; empty for a detached HEAD."""
    reset_ms: int = 0
    """The newest `git reset` to another commit."""
    reset_from: str = ""
    """The commit that was HEAD before it, abbreviated."""
    stashed_ms: int = 0
    """The newest stash, perhaps of another worktree."""
    stashed_on: str = ""
    """The branch that it was made on; empty for a detached HEAD, and if git does not say."""


class GitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a repository at one moment. `stale`: git did not answer in time, so it is the last known state."""

    branch: str | None
    """The branch; None when HEAD is detached."""
    head: str | None
    """Abbreviated commit id; None in a repository without a commit."""
    subject: str = ""
    committed_ms: int = 0
    """Time of that commit (UTC ms); 0 if it is not known."""
    changed_files: int = 0
    insertions: int = 0
    deletions: int = 0
    untracked: int = 0
    own: int = 0
    """Number of further files with nothing uncommitted but Carryover's own text, its folder counted as one."""
    ahead: int = 0
    """Number of commits that the upstream branch does not have; 0 without an upstream."""
    notes: GitNotes = GitNotes()
    undone: tuple[str, ...] = ()
    """Of the files that the handoff names, those that were edited after that commit and are as in it."""
    stale: bool = False


class Boxes(msgspec.Struct, frozen=True):
    """The boxes of a list in a document (`- [ ]`, `- [x]`): how many there are and are checked, and the first open
    items."""

    total: int
    checked: int
    open: tuple[str, ...] = ()


class ChangedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that differs from a commit: its path now, and how many lines were added and removed (0 in a binary one).

    What follows is asked of HEAD alone. `diff` is empty if it can't be shown (binary, too long, deleted, secret).
    """

    path: str
    insertions: int = 0
    deletions: int = 0
    diff: str = ""
    new: bool = False
    """Whether HEAD does not have the file; not known without a diff."""
    gone: bool = False


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The current state of a touched file. Files in unknown languages have only `exists`."""

    exists: bool
    symbol: str | None = None
    """Function or class around the last edit, such as `Cart.discount`."""
    boxes: Boxes | None = None
    """The boxes of a document that has any."""
    undone: bool = False
    """Whether it is as in HEAD, though it was edited after HEAD was committed."""


class FileQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A touched file whose current state is wanted. `line` (1-based) and `anchor` locate its last edit."""

    path: str
    """Path relative to the project's root."""
    line: int | None = None
    anchor: str | None = None
    edited_ms: int = 0
    """Time of its last edit (UTC ms); 0 if it was only read or added, or if a commit is recorded since, which may have
    the edit."""


class Facts(msgspec.Struct, frozen=True):
    """The handoff's facts about the present: git's state, and the state of the files that it names, by path."""

    git: GitFacts | None = None
    files: Mapping[str, FileFacts] = {}
    for_now: bool = False
    """Whether the handoff is read at once, so that git's state need not be marked as that of when it was written."""
    clock: Clock = in_utc
    """That of who reads the handoff: times at which a limit resets are by it."""
