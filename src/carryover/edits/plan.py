"""Works out the effect of an edit on a file before anything is written."""

from __future__ import annotations

import difflib
import errno
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.edits.record import EditedFile
from carryover.edits.user_text import EditRefused
from carryover.errors import os_reason, visible
from carryover.fsio import read_bytes_bounded

_LIMIT_BYTES: Final = 64 << 20
_TEXT_SUFFIXES: Final = (".md", ".markdown", ".mdc", ".txt")
_NEVER_IN: Final = frozenset((".git", ".carryover"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change to one file. `edit` maps its bytes (None: missing) to the new ones (None: delete the file).

    `edit` may raise `EditRefused`.
    """

    path: Path
    what: str
    """The edited content, for people: `hooks of Claude Code`."""
    edit: Callable[[bytes | None], bytes | None]
    remedy: str = "Fix that, then run this again."
    """What to do if the file has to be left alone, as a sentence."""
    recorded: Callable[[bytes | None], EditedFile | None] | None = None
    """For an agent's settings: returns the entry to record, given the bytes before; None removes the record."""
    agent: str | None = None
    """The agent whose settings are edited."""
    server: bool = False
    """Whether the edit is about an MCP server, and not about hooks or an entry of a list."""
    follow: bool = True
    """Whether to follow a symlink; otherwise it is left alone."""
    within: Path | None = None
    """Symlinks are followed only to text files below this folder, since a cloned repository may contain any link."""
    limit_bytes: int = _LIMIT_BYTES
    """Larger files are left alone."""
    backup: bool = True
    """Whether to back the file up before our first edit."""
    private: bool = True
    """Whether a new file is readable only by its owner (0600); otherwise the umask decides."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change applied, in memory, to the current content of the file."""

    change: Change
    before: bytes | None
    after: bytes | None
    reason: str | None = None
    """Why the file has to be left alone, as a clause; None if it can be edited."""

    @property
    def path(self) -> Path:
        """The path of the edited file."""
        return self.change.path

    @property
    def changes(self) -> bool:
        """Whether applying the edit would write anything."""
        return self.reason is None and self.before != self.after

    @property
    def problem(self) -> str | None:
        """Why the file is left alone and what to do, in whole sentences; None if it can be edited."""
        return None if self.reason is None else self.left_alone(self.reason)

    def left_alone(self, reason: str) -> str:
        """Returns the sentences about a file that is left alone for `reason`."""
        return f"{self.path} is left alone: {reason}. {self.change.remedy}"


def plan(change: Change) -> Edit:
    """Reads the file and works out the edit. Never raises for an obstacle, which becomes the edit's `problem`."""
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
    """Returns the file's current bytes; None if it does not exist.

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


def diff(edit: Edit) -> str:
    """Returns the unified diff of an edit; empty if it changes nothing."""
    if not edit.changes:
        return ""
    name = visible(str(edit.path))
    lines = difflib.unified_diff(
        _lines(edit.before),
        _lines(edit.after),
        "/dev/null" if edit.before is None else name,
        "/dev/null" if edit.after is None else name,
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode(errors="replace")
    return re.findall(r"[^\n]*\n|[^\n]+", text)
