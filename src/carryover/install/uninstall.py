"""What uninstall takes away: worked out first, so that it can be listed, and only then done."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.configedit.settings_text import hooks_of
from carryover.configedit.stub_line import by_scripts
from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder
from carryover.install.apply import LOCK, Applied, apply
from carryover.install.hook_edits import taking_out
from carryover.install.hook_files import HookFile
from carryover.install.plan import Edit, plan
from carryover.install.project_removal import project_edits, store_files
from carryover.install.record import RECORD, EditedFile, load_record
from carryover.install.state_files import STUB, state_files
from carryover.ledger.queries import connect_read_only, projects
from carryover.paths import StateDir
from carryover.publish.edits import why
from carryover.publish.handoff_file import STORE
from carryover.publish.published import PublishedProject, published_projects
from carryover.publish.stub import SCRIPT

_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Removal:
    """A file or folder of ours. A folder goes only when nothing is left in it by then."""

    path: Path
    what: str
    """In words for people: `the ledger`."""


@dataclass(frozen=True, slots=True)
class Uninstall:
    """First the edits of files that others share with us, then what is only ours, in this order."""

    edits: tuple[Edit, ...]
    removals: tuple[Removal, ...]
    notes: tuple[str, ...] = ()
    """What stays and why, in whole sentences."""


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What came of it. `left`: what stayed and why, in whole sentences."""

    applied: tuple[Applied, ...]
    removed: tuple[Path, ...]
    left: tuple[str, ...]


def plan_uninstall(
    state: StateDir, *, purge: bool, home: Path, usual: Iterable[tuple[str, HookFile]] = ()
) -> Uninstall:
    """Hooks out of every recorded settings file, and out of `usual` ones, by tool id, should the record lack them.

    With `purge` also pointers, ignore rules and `.carryover` folders of every project known to our list or to the
    ledger, and the state folder. Reads only. `config.toml` is not needed.

    Raises:
        UserError: the record is damaged.
    """
    settings = tuple(_settings_edits(state, usual))
    edits = tuple(edit for _, edit in settings)
    notes = [note for file, edit in settings for note in _edited_by_hand(file, edit, state)]
    if not purge:
        stub = (Removal(path, "the hooks' script") for name in STUB if os.path.lexists(path := state.root / name))
        return Uninstall(edits, tuple(stub), tuple(notes))
    known, unread = _known_projects(state, home)
    notes += unread
    notes += [
        f"{project.root} is gone, not mounted or closed to you. What Carryover put there is still in it."
        for project in known
        if not is_folder(Path(project.root))
    ]
    in_projects = {edit.path: edit for project in known for edit in project_edits(project)}
    removals = [Removal(path, f"the handoff of {p.root}") for p in known for path in store_files(p)]
    removals += [Removal(path, what) for path, what in state_files(state)]
    notes += _not_ours(removals)
    return Uninstall((*edits, *in_projects.values()), tuple(removals), tuple(notes))


def carry_out(uninstall: Uninstall, state: StateDir) -> Uninstalled:
    """Does it. The daemon must not run any more. Each failure is in `left` and stops nothing else.

    Where hooks had to stay in some settings, the record of them stays as well, so that it can be run again.

    Raises:
        UserError: another command is editing; nothing was changed.
    """
    had_state = state.root.exists()
    applied = apply(uninstall.edits, state) if uninstall.edits else ()
    left = [done.problem for done in applied if done.problem is not None]
    removed = []
    keep_record = bool(load_record(state).files)
    with contextlib.suppress(FileNotFoundError):
        (state.root / LOCK).unlink()
    for removal in uninstall.removals:
        if keep_record and removal.path == state.root / RECORD:
            continue
        try:
            if _remove(removal.path):
                removed.append(removal.path)
        except OSError as error:
            left.append(f"{removal.path} stays: {why(error)}.")
    if not had_state:  # it was made for the lock
        with contextlib.suppress(OSError):
            state.root.rmdir()
    return Uninstalled(applied, tuple(removed), tuple(left))


def _settings_edits(state: StateDir, usual: Iterable[tuple[str, HookFile]]) -> Iterator[tuple[EditedFile, Edit]]:
    record = load_record(state)
    yield from ((file, plan(taking_out(file))) for file in record.files)
    script = str(state.root / SCRIPT)
    for tool, found in usual:
        if record.of(found.path) is None:
            file = EditedFile(path=str(found.path), tool=tool, script=script, form=found.form)
            edit = plan(taking_out(file))
            if edit.changes or (edit.before is not None and script.encode() in edit.before):
                yield file, edit


def _edited_by_hand(file: EditedFile, edit: Edit, state: StateDir) -> Iterator[str]:
    if edit.reason is None and edit.after is not None:
        for found in hooks_of(edit.after, by_scripts(state.root / SCRIPT), form=file.form):
            if found.whose == "edited":
                where = f"{edit.path} ({found.hook.event})"
                yield f"{where}: the hook that runs Carryover was edited by hand. It stays; take it out yourself."


def _known_projects(state: StateDir, home: Path) -> tuple[list[PublishedProject], list[str]]:
    """Every project that may hold something of ours, and which source could not be read."""
    found: dict[PublishedProject, None] = {}
    notes = []
    try:
        found |= dict.fromkeys(published_projects(state.root))
    except OSError as error:
        notes.append(f"The list of projects can't be read: {why(error)}.")
    try:
        found |= dict.fromkeys(PublishedProject(root, str(Path(root) / STORE)) for root in _roots(state))
    except (UserError, sqlite3.Error) as error:
        if not (isinstance(error, UserError) and error.code is ExitCode.NOTHING_FOUND):
            notes.append("The ledger can't be read. Projects that only the ledger knows keep their handoff.")
    never = {os.path.realpath(state.root), os.path.realpath(home / STORE)}
    return [project for project in found if os.path.realpath(project.folder) not in never], notes


def _roots(state: StateDir) -> list[str]:
    db = connect_read_only(state.ledger)
    try:
        return [project.root for project in projects(db) if os.path.lexists(Path(project.root) / STORE)]
    finally:
        db.close()


def _not_ours(removals: Iterable[Removal]) -> Iterator[str]:
    """What keeps a folder of ours from going."""
    going = {removal.path for removal in removals}
    for folder in sorted(path for path in going if path.is_dir() and not path.is_symlink()):
        others = sorted(entry.name for entry in folder.iterdir() if entry not in going)
        if others:
            named = ", ".join(others[:_MOST_NAMED]) + (", ..." if len(others) > _MOST_NAMED else "")
            yield f"{folder} stays: it holds {named}, which is not Carryover's."


def _remove(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    except FileNotFoundError:
        return False
    return True
