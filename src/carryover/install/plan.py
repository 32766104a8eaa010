"""What install, refresh and uninstall would do to files, worked out before anything is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.configedit.json_document import Refused
from carryover.fsio import read_bytes_bounded
from carryover.install.record import EditedFile
from carryover.publish.edits import why

_SIZE_LIMIT_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is wanted of one file. `edit` goes from its bytes (None: missing) to what they should be (None: no file).

    `edit` may raise `Refused`.
    """

    path: Path
    why: str
    """In words for people: `hooks of Claude Code`."""
    edit: Callable[[bytes | None], bytes | None]
    remedy: str = "Put that right, then run this again."
    """What to do where the file has to be left alone, as a sentence."""
    recorded: Callable[[bytes | None], EditedFile | None] | None = None
    """For a tool's settings: what to record, given the bytes before; its answer None forgets the file."""
    tool: str | None = None
    """The tool whose settings it is."""
    follow: bool = True
    """False: a symlink is left alone."""
    backup: bool = True
    """Whether the file as it is before our first edit is kept."""


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
        return self.change.path

    @property
    def changes(self) -> bool:
        """Whether applying it would write anything."""
        return self.reason is None and self.before != self.after

    @property
    def problem(self) -> str | None:
        """Why the file is left alone and what to do, in whole sentences; None where nothing is in the way."""
        return None if self.reason is None else self.left_alone(self.reason)

    def left_alone(self, reason: str) -> str:
        """The sentences for people."""
        return f"{self.path} is left alone: {reason}. {self.change.remedy}"


def plan(change: Change) -> Edit:
    """Reads the file and works out the edit. Never raises for what stands in the way: that is the edit's `problem`."""
    before = None
    try:
        before = now(change)
        after = change.edit(before)
        reason = None if after == before else _obstacle(change.path)
    except Refused as error:
        return Edit(change, before, before, str(error))
    except OSError as error:
        return Edit(change, before, before, why(error))
    return Edit(change, before, after, reason)


def now(change: Change) -> bytes | None:
    """The file's bytes at this moment; None where there is none.

    Raises:
        OSError: it can't be read, is too large, or is no file.
    """
    if not change.follow and change.path.is_symlink():
        raise OSError("it is a symlink")
    try:
        return read_bytes_bounded(change.path, _SIZE_LIMIT_BYTES)
    except FileNotFoundError:
        return None


def _obstacle(path: Path) -> str | None:
    """What an atomic replace would disregard or destroy."""
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
