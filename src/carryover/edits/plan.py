"""Works out what an edit would do to a file before anything is written."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.edits.encoding import EditRefused
from carryover.edits.record import EditedFile
from carryover.errors import os_reason
from carryover.fsio import read_bytes_bounded

_LIMIT_BYTES: Final = 64 << 20
_TEXT_SUFFIXES: Final = (".md", ".markdown", ".mdc", ".txt")
_NEVER_IN: Final = frozenset((".git", ".carryover"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one file should become. `edit` maps its bytes (None: missing) to what they should be (None: no file).

    `edit` may raise `EditRefused`.
    """

    path: Path
    what: str
    """What is edited, as people call it: `hooks of Claude Code`."""
    edit: Callable[[bytes | None], bytes | None]
    remedy: str = "Fix that, then run this again."
    """What to do where the file has to be left alone, as a sentence."""
    recorded: Callable[[bytes | None], EditedFile | None] | None = None
    """For an agent's settings: what to record, given the bytes before; None as its answer removes the record."""
    agent: str | None = None
    """The agent whose settings it is."""
    follow: bool = True
    """False: a symlink is left alone."""
    within: Path | None = None
    """A symlink is followed only to a text file below this folder: a cloned repository may bring links of any kind."""
    limit_bytes: int = _LIMIT_BYTES
    """A larger file is left alone."""
    backup: bool = True
    """Whether the file is copied before our first edit of it."""
    private: bool = True
    """Whether a new file is readable by its owner alone (0600); otherwise the umask decides."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change worked out on the file as it is now."""

    change: Change
    before: bytes | None
    after: bytes | None
    reason: str | None = None
    """Why the file has to be left alone, as a clause; None where it can be edited."""

    @property
    def path(self) -> Path:
        """The file that is edited."""
        return self.change.path

    @property
    def changes(self) -> bool:
        """Whether applying it would write anything."""
        return self.reason is None and self.before != self.after

    @property
    def problem(self) -> str | None:
        """Why the file is left alone and what to do, in whole sentences; None where nothing prevents the edit."""
        return None if self.reason is None else self.left_alone(self.reason)

    def left_alone(self, reason: str) -> str:
        """The sentences for people."""
        return f"{self.path} is left alone: {reason}. {self.change.remedy}"


def plan(change: Change) -> Edit:
    """Reads the file and works out the edit. Never raises for what prevents it: that is the edit's `problem`."""
    before = None
    try:
        before = read_target(change)
        after = change.edit(before)
        reason = None if after == before else _obstacle(change.path)
    except EditRefused as error:
        return Edit(change, before, before, str(error))
    except OSError as error:
        return Edit(change, before, before, os_reason(error))
    return Edit(change, before, after, reason)


def read_target(change: Change) -> bytes | None:
    """The file's bytes at this moment; None where there is none.

    Raises:
        OSError: it can't be read, is too large, is not a file, or is a symlink that is not followed.
    """
    if change.path.is_symlink():
        if not change.follow:
            raise OSError(errno.ELOOP, "it is a symlink")
        if change.within is not None:
            _check_link(change.path, change.within)
    try:
        return read_bytes_bounded(change.path, change.limit_bytes, follow=change.follow)
    except FileNotFoundError:
        return None


def _check_link(path: Path, top: Path) -> None:
    real_top, target = Path(os.path.realpath(top)), Path(os.path.realpath(path))
    if not target.is_relative_to(real_top):
        raise OSError(errno.ELOOP, "it is a symlink that leads out of the project")
    inside = target.relative_to(real_top).parts
    if not _NEVER_IN.isdisjoint(inside) or target.suffix.lower() not in _TEXT_SUFFIXES:
        raise OSError(errno.ELOOP, "it is a symlink to something other than an instruction file")
    if not target.exists():
        raise OSError(errno.ENOENT, "it is a symlink to a file that does not exist")


def _obstacle(path: Path) -> str | None:
    real = Path(os.path.realpath(path))
    try:
        found = real.stat()
    except FileNotFoundError:
        return _unfit_folder(next(parent for parent in real.parents if parent.exists()))
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    if not found.st_mode & stat.S_IWUSR:
        return "it is read-only"
    if found.st_nlink > 1:
        return "it has a second hard link, which an edit would cut off"
    return _unfit_folder(real.parent)


def _unfit_folder(folder: Path) -> str | None:
    return None if os.access(folder, os.W_OK | os.X_OK) else f"its folder {folder} can't be written"
