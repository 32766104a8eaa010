"""Applies edits: one atomic replace per file, recorded so that it can be undone; a failure does not stop the others.

Edits of agents' settings are recorded in `edits.json` and backed up first (`apply`); those of a project's files are
recorded in its `.carryover` (`ProjectEdits`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.edits.record import (
    EditedFile,
    edited_in_project,
    folders_of,
    load_record,
    save_edited_in_project,
    save_record,
)
from carryover.edits.swap import BeingChanged, swap
from carryover.errors import ExitCode, UserError, os_reason, visible
from carryover.fsio import FileLock, atomic_replace, private_dir, read_bytes_bounded
from carryover.paths import StateDir
from carryover.text.user_text import EditRefused

_LIMIT_BYTES: Final = 64 << 20
_TRIES: Final = 4
_TEXT_SUFFIXES: Final = (".md", ".markdown", ".mdc", ".txt")
_NEVER_IN: Final = frozenset((".git", ".carryover"))


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change to one file. `edit` maps its bytes (None: missing) to the new ones (None: delete the file). `edit` may
    raise `EditRefused`."""

    path: Path
    what: str
    """The edited content, for people: `hooks of Claude Code`."""
    edit: Callable[[bytes | None], bytes | None]
    remedy: str = "Fix that, then run this again."
    """What to do if the file has to be left alone, as a sentence."""
    recorded: Callable[[bytes | None, EditedFile | None], EditedFile | None] | None = None
    """For an agent's settings: maps the bytes before and the entry on record to the one to record; None removes it."""
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


class Edit(msgspec.Struct, frozen=True):
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
    """Returns the file's current bytes; None if it does not exist. Raises OSError if it can't be read, is too large, is
    not a regular file, or is a symlink that is not followed."""
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
    real_top = Path(os.path.realpath(top))
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(real_top):
        raise OSError(errno.ELOOP, "it is a symlink that leads out of the project")
    inside = target.relative_to(real_top).parts
    if not _NEVER_IN.isdisjoint(inside) or target.suffix.lower() not in _TEXT_SUFFIXES:
        raise OSError(errno.ELOOP, "it is a symlink to something other than an instruction file")
    if not target.exists():
        raise OSError(errno.ENOENT, "it is a symlink to a file that does not exist")


def _obstacle(path: Path) -> str | None:
    real = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError):
        found = real.stat()
        if found.st_uid != os.geteuid():
            return "it belongs to another user"
        if not found.st_mode & stat.S_IWUSR:
            return "it is read-only"
        if found.st_nlink > 1:
            return "it has a second hard link, which an edit would cut off"
    folder = next(parent for parent in real.parents if parent.exists())
    return None if os.access(folder, os.W_OK | os.X_OK) else f"its folder {folder} can't be written"


def diff(edit: Edit) -> str:
    """Returns the unified diff of an edit; empty if it changes nothing."""
    if not edit.changes:
        return ""
    import difflib

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


BACKUPS: Final = "backups"
LOCK: Final = "edits.lock"

Outcome = Literal["unchanged", "created", "changed", "removed", "left alone"]


class Applied(msgspec.Struct, frozen=True):
    """The result of one edit."""

    edit: Edit
    outcome: Outcome
    problem: str | None = None
    """Why the file was left alone and what to do, in whole sentences."""


def apply(edits: Sequence[Edit], state: StateDir) -> tuple[Applied, ...]:
    """Writes the files and updates the record. If a file changed since it was planned, its edit is planned again.
    Raises UserError if the record is damaged or another command is editing; then nothing was changed."""
    private_dir(state.root)
    lock = FileLock(state.root / LOCK)
    if not lock.acquire():
        raise UserError(
            f"Another `carryover` command (process {lock.holder()}) is editing files right now. "
            "Nothing was changed. Run this again when it has finished.",
            ExitCode.REFUSED,
        )
    try:
        load_record(state)
        return tuple(_applied(edit, state) for edit in edits)
    finally:
        lock.release()


def backup_path(state: StateDir, path: Path) -> Path:
    """Returns the path of the backup of `path` from before our first edit."""
    import hashlib

    digest = hashlib.sha256(os.path.realpath(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return state.root / BACKUPS / f"{path.name}.{digest}"


def write(edit: Edit) -> None:
    """Writes one file unless it is already as planned. Does not update the record. Raises OSError if it can't be
    written, or changed since it was planned."""
    if not edit.changes:
        return
    change = edit.change
    if edit.after is not None:
        for folder in _missing_folders(edit.path):
            folder.mkdir()  # with the mode that the owner of the settings would have given it
    if read_target(change) != edit.before:
        raise BeingChanged
    mode = 0o600 if edit.before is None and change.private else None  # settings may later contain tokens
    target = Path(os.path.realpath(edit.path)) if change.follow else edit.path
    swap(target, edit.before, edit.after, mode=mode)


class ProjectEdits:
    """The edits of a project's files in one pass.

    `mine` names the files that Carryover edited on this machine, now or earlier (`placed`: see `edited_in_project`).
    Only these are ever restored, since a block that came with the repository belongs to its owners. `done` names those
    that this pass changed. `notes` say what was left alone and why; they quote no content.
    """

    def __init__(self, store: Path, notes: Iterable[str] = (), placed: Collection[str] = ()) -> None:
        self._store = store
        self.mine = edited_in_project(store, placed)
        self.done: list[str] = []
        self.notes = list(notes)

    def carry_out(self, name: str, edit: Edit, *, ours: bool) -> bool:
        """Carries out an edit of the file that is listed as `name`; returns False, with a note, if the file has to be
        left alone.

        `ours`: whether the file contains our text afterwards.
        """
        former = set(self.mine)
        try:
            if ours and edit.changes:  # first: a kill leaves nothing of ours that is not listed
                missing = {folder for folder in folders_of(name) if not (self._store.parent / folder).exists()}
                self._list({*former, name, *missing})
            if not self.carry_out_apart(name, edit):
                if self.mine != former:
                    self._list(former)
                return False
            if edit.changes:
                self.done.append(name)
            if not ours and (edit.changes or name in former):  # the user may have removed it
                self._list(former - {name, *self._removed_folders(name)})
        except OSError as error:
            self.left_alone(name, os_reason(error))
            return False
        return True

    def _removed_folders(self, name: str) -> set[str]:
        """Removes the folders that were created for a file, if they are empty now; returns those that are gone."""
        ours = [folder for folder in reversed(folders_of(name)) if folder in self.mine]
        for folder in ours:
            with contextlib.suppress(OSError):  # gone, or it contains something of the user's
                (self._store.parent / folder).rmdir()
        return set(ours)

    def carry_out_apart(self, name: str, edit: Edit) -> bool:
        """Does the same as `carry_out` for a file that other checkouts share, which is therefore not listed."""
        try:
            if edit.reason is not None:
                raise OSError(edit.reason)
            self._write(edit)
        except OSError as error:
            self.left_alone(name, os_reason(error))
            return False
        return True

    def created(self, folder: str) -> None:
        """Lists a folder that was created for a file that is not listed itself. Raises OSError."""
        self._list({*self.mine, folder})

    def left_alone(self, name: str, reason: str) -> None:
        """Adds a note about a file that was not edited."""
        self.notes.append(f"{name} was left alone: {reason}")

    def _write(self, edit: Edit) -> None:
        write(edit)

    def _list(self, names: set[str]) -> None:
        save_edited_in_project(self._store, names)
        self.mine = names


class PlannedEdits(ProjectEdits):
    """Collects the edits that a pass would make in `planned`. Writes nothing."""

    def __init__(self, store: Path, placed: Collection[str] = ()) -> None:
        super().__init__(store, placed=placed)
        self.planned: list[Edit] = []

    def _write(self, edit: Edit) -> None:
        if edit.changes:
            self.planned.append(edit)

    def _list(self, names: set[str]) -> None:
        self.mine = names

    def _removed_folders(self, _name: str) -> set[str]:
        return set()


def _applied(edit: Edit, state: StateDir) -> Applied:
    for left in reversed(range(_TRIES)):
        try:
            if edit.reason is None and read_target(edit.change) != edit.before:
                edit = plan(edit.change)
            if edit.reason is not None:
                return Applied(edit, "left alone", edit.problem)
            _write_recorded(edit, state)
            break
        except OSError as error:
            if not (left and isinstance(error, BeingChanged)):
                return Applied(edit, "left alone", edit.left_alone(os_reason(error)))
    if not edit.changes:
        return Applied(edit, "unchanged")
    if edit.before is None:
        return Applied(edit, "created")
    return Applied(edit, "removed" if edit.after is None else "changed")


def _write_recorded(edit: Edit, state: StateDir) -> None:
    change = edit.change
    if change.recorded is None:
        _backed_up(edit, state)
        return
    record = load_record(state)
    known = record.of(edit.path, server=change.server)
    entry = change.recorded(edit.before, known)
    if entry is None:
        _backed_up(edit, state)
        _remove_folders(known.folders if known else ())
        save_record(state, record.having(edit.path, None, server=change.server))
        return
    folders = [str(folder) for folder in _missing_folders(edit.path)] if edit.before is None else []
    entry = msgspec.structs.replace(entry, folders=(*entry.folders, *folders))
    save_record(state, record.having(edit.path, entry, server=change.server))  # first: an unneeded one does no harm
    try:
        _backed_up(edit, state)
    except OSError:
        _remove_folders(folders)
        save_record(state, record)
        raise


def _backed_up(edit: Edit, state: StateDir) -> None:
    backup = backup_path(state, edit.path)
    if edit.changes and edit.change.backup and edit.before is not None and not backup.exists():
        private_dir(backup.parent)
        atomic_replace(backup, edit.before, mode=0o600, follow=False)
    write(edit)


def _missing_folders(path: Path) -> list[Path]:
    missing = takewhile(lambda folder: not folder.exists(), Path(os.path.realpath(path)).parents)
    return list(missing)[::-1]


def _remove_folders(folders: Iterable[str]) -> None:
    for folder in reversed(tuple(folders)):
        with contextlib.suppress(OSError):  # gone, or no longer empty
            Path(folder).rmdir()
