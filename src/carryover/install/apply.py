"""Carrying a plan out: one atomic replace a file, a backup before the first, and no failure stops the next."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock, atomic_replace, private_dir
from carryover.install.plan import Edit, now, plan
from carryover.install.record import EditedFile, Record, load_record, save_record
from carryover.paths import StateDir
from carryover.publish.edits import why

BACKUPS: Final = "backups"
LOCK: Final = "edits.lock"

Outcome = Literal["unchanged", "created", "changed", "removed", "left alone"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of one edit."""

    edit: Edit
    outcome: Outcome
    problem: str | None = None
    """Why it was left alone and what to do, in whole sentences."""


def apply(edits: Sequence[Edit], state: StateDir) -> tuple[Applied, ...]:
    """Writes the files and keeps the record. A file that changed since it was planned is planned anew, once.

    Raises:
        UserError: the record is damaged, or another command is at it; nothing was changed.
    """
    private_dir(state.root)
    with _alone(state):
        load_record(state)
        return tuple(_applied(edit, state) for edit in edits)


def backup_path(state: StateDir, path: Path) -> Path:
    """Where the file at `path` is kept as it was before our first edit of it."""
    digest = hashlib.sha256(os.path.realpath(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return state.root / BACKUPS / f"{path.name}.{digest}"


@contextlib.contextmanager
def _alone(state: StateDir) -> Iterator[None]:
    lock = FileLock(state.root / LOCK)
    if not lock.acquire():
        raise UserError(
            f"Another `carryover` command (process {lock.holder()}) is editing files just now. "
            "Nothing was changed. Run this again when it is done.",
            ExitCode.REFUSED,
        )
    try:
        yield
    finally:
        lock.release()


def _applied(edit: Edit, state: StateDir) -> Applied:
    try:
        if edit.reason is None and now(edit.change) != edit.before:
            edit = plan(edit.change)
        if edit.reason is not None:
            return Applied(edit, "left alone", edit.problem)
        _write(edit, state)
    except OSError as error:
        return Applied(edit, "left alone", edit.left_alone(why(error)))
    return Applied(edit, _outcome(edit))


def _outcome(edit: Edit) -> Outcome:
    if not edit.changes:
        return "unchanged"
    if edit.before is None:
        return "created"
    return "removed" if edit.after is None else "changed"


def _write(edit: Edit, state: StateDir) -> None:
    if edit.change.recorded is None:
        _replace(edit, state)
        return
    record = load_record(state)
    entry = edit.change.recorded(edit.before)
    if entry is None:
        _replace(edit, state)
        known = record.of(edit.path)
        save_record(state, record.having(edit.path, None))
        _remove_folders(known.folders if known else ())
    else:
        _recorded(edit, state, record, entry)


def _recorded(edit: Edit, state: StateDir, record: Record, entry: EditedFile) -> None:
    """Edits a file and remembers it. The record comes first: what it says too much costs nothing."""
    folders = [str(folder) for folder in _missing_folders(edit.path)] if edit.before is None else []
    save_record(state, record.having(edit.path, msgspec.structs.replace(entry, folders=(*entry.folders, *folders))))
    try:
        _replace(edit, state)
    except OSError:
        _remove_folders(folders)
        save_record(state, record)
        raise


def _replace(edit: Edit, state: StateDir) -> None:
    if not edit.changes:
        return
    change = edit.change
    if change.backup and edit.before is not None:
        _keep(edit.before, backup_path(state, edit.path))
    if edit.after is not None:
        for folder in _missing_folders(edit.path):
            folder.mkdir()  # with the rights that the agent itself would have given its folder
    if now(change) != edit.before:
        raise OSError("another program is changing it at this moment")
    if edit.after is None:
        Path(os.path.realpath(edit.path)).unlink()
    else:
        mode = 0o600 if edit.before is None else None  # settings may come to hold tokens
        atomic_replace(edit.path, edit.after, mode=mode, follow=change.follow)


def _keep(data: bytes, backup: Path) -> None:
    if not backup.exists():
        private_dir(backup.parent)
        atomic_replace(backup, data, mode=0o600, follow=False)


def _missing_folders(path: Path) -> list[Path]:
    """The folders that have to be made for a file, outermost first."""
    missing = takewhile(lambda folder: not folder.exists(), Path(os.path.realpath(path)).parents)
    return list(missing)[::-1]


def _remove_folders(folders: Iterable[str]) -> None:
    for folder in reversed(tuple(folders)):
        with contextlib.suppress(OSError):  # gone, or somebody has put something into it
            Path(folder).rmdir()
