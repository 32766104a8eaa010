"""Plans and carries out an uninstall: everything is listed before anything is changed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.config import KEPT
from carryover.edits import record
from carryover.edits.agent_settings import removal
from carryover.edits.apply import BACKUPS, LOCK, Applied, Edit, apply, plan
from carryover.edits.hooks import SCRIPT, HookFile, hooks_of, owner_by_script
from carryover.edits.record import EditedFile, PublishedProject, load_record
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import SCRATCH, is_folder
from carryover.ledger.queries import connect_read_only, projects, whereabouts
from carryover.paths import STARTER, StateDir
from carryover.platform import here
from carryover.probe.checkout import Checkout
from carryover.probe.looks import look_at_each
from carryover.projects.handoff_file import STORE
from carryover.publish.gitignore import other_stores, own_ignore_file, remove_if_empty, rule_removals
from carryover.publish.hook_script import CURL_CONFIG
from carryover.publish.loaded_files import handoff_names
from carryover.publish.withdrawal import removals
from carryover.terminal.output import counted

_MOST_NAMED: Final = 3
# `CARRYOVER_HOME` may name a folder with other content, so our files are recognised by name.
_HOOK_SCRIPT: Final = (SCRIPT, CURL_CONFIG, STARTER)
# The record is removed last, so that an interrupted purge can be run again.
_FILES: Final = (
    ("handoff.md", "the newest handoff"),
    ("ledger.sqlite", "the ledger"),
    ("ledger.sqlite-*", "the ledger"),
    ("ledger.sqlite.*", "the ledger"),
    ("ledger.salvaged.sqlite*", "the ledger"),
    ("ledger.before-*.sqlite*", "a copy of the ledger"),
    ("ledger.corrupt-*.sqlite*", "a damaged ledger"),
    ("carryoverd.log*", "the log"),
    ("launchd.log", "the log"),
    (SCRIPT, "the hooks' script"),
    (CURL_CONFIG, "the hooks' script"),
    (STARTER, "the script that starts the daemon"),
    ("hook.secret", "the hooks' secret"),
    ("daemon.sock", "the daemon's socket"),
    ("daemon.lock", "the daemon's lock"),
    ("paused", "the pause"),
    ("continue.command", "what the page had a terminal run"),
    ("config.toml", "your settings"),
    (".*.tmp", "left by a write that was cut off"),
    (record.PROJECTS_RECORD, "the list of projects"),
    (record.PLACED_RECORD, "the list of projects"),
    (record.SETTINGS_RECORD, "the record of edits"),
    (LOCK, "the record of edits"),
)
_TREES: Final = (
    (KEPT, "handoffs that went into no project"),
    ("restore", "handoffs kept for when the daemon is down"),
    ("spool", "what was handed to hooks"),
    ("crashes", "crash reports"),
    ("canary", "what showed whether macOS reports changes"),
    ("sync", "this machine's keys and its copy of the store"),
    (BACKUPS, "backups"),
    (f"{SCRATCH}*", "left by a command that was killed"),
)


@dataclass(frozen=True, slots=True)
class Removal:
    """One of our files or folders to delete. A folder is deleted only once it is empty."""

    path: Path
    what: str
    """Its name for people: `the ledger`."""
    apart: bool = False
    """Whether it is outside both the project and the state folder. Its parent is deleted too once that is empty."""


@dataclass(frozen=True, slots=True)
class Uninstall:
    """The plan: edits of files that also hold other people's text, then the removal of our own files, in this order."""

    edits: tuple[Edit, ...]
    removals: tuple[Removal, ...]
    notes: tuple[str, ...] = ()
    """Names what stays and why, in whole sentences."""
    rules: tuple[tuple[Edit, Path], ...] = ()
    """Edits of ignore files, each for the checkout with this root: only once its handoff is gone."""
    folders: tuple[Path, ...] = ()
    """Folders that were created for files which the edits delete, innermost first: only if they are empty then."""

    @property
    def shown(self) -> tuple[Edit, ...]:
        """All edits, to be shown to the user."""
        return (*self.edits, *(edit for edit, _ in self.rules))


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The result. `left`: names what stayed and why, in whole sentences."""

    applied: tuple[Applied, ...]
    removed: tuple[Path, ...]
    left: tuple[str, ...]


def plan_uninstall(
    state: StateDir, *, purge: bool, home: Path, usual: Iterable[tuple[str, HookFile]] = ()
) -> Uninstall:
    """Plans to remove hooks, entries and MCP servers from all recorded settings files, and from `usual` ones.

    `usual` holds settings files with the ids of their agents, which need not be recorded; entries stay in those. With
    `purge`, it includes the pointers, ignore rules and `.carryover` folders of every project in our list or in the
    ledger, and the state folder. Reads only, and does not need `config.toml`. Raises UserError if the record is
    damaged.
    """
    settings = tuple(_settings_edits(state, usual))
    edits = tuple(edit for _, edit in settings)
    notes = [note for file, edit in settings for note in _edited_by_hand(file, edit, state)]
    if not purge:
        scripts = (path for name in _HOOK_SCRIPT if os.path.lexists(path := state.root / name))
        notes += _pointers_that_stay(state, home)
        return Uninstall(edits, tuple(Removal(path, "the hooks' script") for path in scripts), tuple(notes))
    known, unread = _known_projects(state, home)
    moved = _moved_roots(state)
    notes += unread
    notes += [
        f"{root} is missing, not mounted or not accessible. Unless it moved, what Carryover added is still in it."
        for root in dict.fromkeys(project.root for project in known)
        if not is_folder(Path(root)) and root not in moved
    ]
    in_projects = {edit.path: edit for p in known for edit in project_edits(p, state)}
    stores = [Path(project.root) / STORE for project in known]
    rules = {edit.path: (edit, Path(p.root)) for p in known for edit in project_rules(p, state, stores)}
    removals = [
        Removal(path, f"the handoff of {p.root}", apart=p.folder != str(Path(p.root) / STORE))
        for p in known
        for path in store_files(p)
    ]
    removals += [Removal(path, what) for path, what in state_files(state)]
    notes += _not_ours(removals)
    folders = tuple(folder for project in known for folder in _created_folders(project, state))
    return Uninstall((*edits, *in_projects.values()), tuple(removals), tuple(notes), tuple(rules.values()), folders)


def carry_out(uninstall: Uninstall, state: StateDir) -> Uninstalled:
    """Carries out the plan; the daemon must be stopped. Failures are listed in `left` and do not stop the rest.

    If hooks had to stay in some settings, the record of them is kept too, so that uninstall can be run again. Raises
    UserError if another command is editing; then nothing was changed.
    """
    had_state = state.root.exists()
    applied = apply(uninstall.edits, state) if uninstall.edits else ()
    for folder in uninstall.folders:
        with contextlib.suppress(OSError):  # it contains something of the user's
            folder.rmdir()
    kept = state.root / record.SETTINGS_RECORD if load_record(state).files else None
    in_state = [ours.path for ours in uninstall.removals if ours.path.is_relative_to(state.root)]
    removed, stays = _removed(ours.path for ours in uninstall.removals if ours.path not in in_state)
    # Only now: until then, a commit could take the handoff along.
    applied += _apply_rules(uninstall, state)
    (state.root / LOCK).unlink(missing_ok=True)
    last_removed, last_stays = _removed(path for path in in_state if path != kept)
    removed += last_removed
    left = [*(done.problem for done in applied if done.problem is not None), *stays, *last_stays]
    # One project's folder, inside the folder that the settings name for all handoffs.
    apart = {ours.path for ours in uninstall.removals if ours.apart and ours.path.name != STORE}
    for folder in {path.parent for path in apart.intersection(removed)}:
        with contextlib.suppress(OSError):  # it contains other projects' handoffs, or files of the user's
            folder.rmdir()
    if not had_state:  # it was created for the lock
        with contextlib.suppress(OSError):
            state.root.rmdir()
    return Uninstalled(applied, tuple(removed), tuple(left))


def _apply_rules(uninstall: Uninstall, state: StateDir) -> tuple[Applied, ...]:
    edits = [edit for edit, root in uninstall.rules if edit.path.name != "exclude" or not _is_needed(root)]
    applied = apply(edits, state) if edits else ()
    for edit in (done.edit for done in applied if done.outcome == "removed"):
        if edit.path.parent in uninstall.folders:
            remove_if_empty(edit.path)
    return applied


def _is_needed(root: Path) -> bool:
    return any(map(os.path.lexists, (root / STORE, *other_stores(Checkout(root)))))


def _removed(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Removes the files and folders; returns those that were there, and why others stay, as sentences."""
    removed, stays = [], []
    for path in paths:
        try:
            if _remove(path):
                removed.append(path)
        except OSError as error:
            stays.append(f"{path} stays: {os_reason(error)}.")
    return removed, stays


def project_edits(project: PublishedProject, state: StateDir) -> Iterator[Edit]:
    """Yields the edits that undo ours in one project's files, apart from ignore rules. Reads only."""
    root = Path(project.root)
    yield from (edit for _, edit in removals(root, _edited(root, state)))


def project_rules(project: PublishedProject, state: StateDir, going: Collection[Path]) -> Iterator[Edit]:
    """Yields the edits that take our ignore rules out of a project whose handoff is among the `going` ones. Asks git
    for its exclude file."""
    root = Path(project.root)
    yield from (edit for _, edit in rule_removals(Checkout(root), _edited(root, state), going))


def _pointers_that_stay(state: StateDir, home: Path) -> Iterator[str]:
    """Yields a note on the projects whose files lead agents to a handoff, if there are any. Without a daemon, that
    handoff stays as it is for ever, and agents would be led to it all the same."""
    known, _ = _known_projects(state, home)
    roots = sorted({project.root for project in known if any(edit.changes for edit in project_edits(project, state))})
    if roots:
        more = len(roots) - _MOST_NAMED
        others = f" and {counted(more, 'more project')}" if more > 0 else ""
        yield (
            f"Pointers stay in {', '.join(roots[:_MOST_NAMED])}{others}, to handoffs that will not change any more. To "
            "take them out and keep what was recorded, run `carryover refresh --pointers off` before you uninstall."
        )


def _created_folders(project: PublishedProject, state: StateDir) -> list[Path]:
    listed = (name for name in _edited(Path(project.root), state) if name.endswith("/"))
    return [Path(project.root, name) for name in sorted(listed, key=len, reverse=True)]


def _edited(root: Path, state: StateDir) -> set[str]:
    placed: set[str] = set()
    with contextlib.suppress(OSError):  # then the list in the project alone counts
        placed = record.placed_in_project(state.root, root)
    return record.edited_in_project(root / STORE, placed)


def store_files(project: PublishedProject) -> list[Path]:
    """Returns our files in the handoff's folder, then the folder itself; an empty list if that is a symlink."""
    folder = Path(project.folder)
    if not is_folder(folder) or folder.is_symlink():
        return []
    cut_off = sorted(folder.glob(".*.tmp"))
    own = own_ignore_file(folder)
    names = (*handoff_names(), record.PROJECT_EDITS)
    found = (path for name in names if os.path.lexists(path := folder / name))
    # The folder's own rule last: until then it keeps the others out of a commit.
    return [*found, *cut_off, *([own] if own is not None else []), folder]


def state_files(state: StateDir) -> Iterator[tuple[Path, str]]:
    """Yields each of our files with a description, then the folders, innermost first. Follows no symlinks."""
    root = state.root
    for name, what in _TREES:
        for tree in sorted(root.glob(name)):
            yield from _tree(tree, what)
    for pattern, what in _FILES:
        yield from ((path, what) for path in sorted(root.glob(pattern)))
    if root.is_dir() and not root.is_symlink():
        yield root, "the state folder"


def _settings_edits(state: StateDir, usual: Iterable[tuple[str, HookFile]]) -> Iterator[tuple[EditedFile, Edit]]:
    recorded = load_record(state)
    yield from ((file, plan(removal(file))) for file in recorded.files)
    script = str(state.root / SCRIPT)
    for agent, found in usual:
        if recorded.of(found.path, server=found.form == "server") is None:
            file = EditedFile(path=str(found.path), agent=agent, script=script, form=found.form, key=found.key)
            edit = plan(removal(file))
            if edit.changes or (found.form != "server" and script.encode() in (edit.before or b"")):
                yield file, edit


def _edited_by_hand(file: EditedFile, edit: Edit, state: StateDir) -> Iterator[str]:
    if edit.reason is None and edit.after is not None and file.form not in ("list", "server"):
        for found in hooks_of(edit.after, owner_by_script(state.root / SCRIPT), form=file.form):
            if found.owner == "edited":
                where = f"{edit.path} ({found.hook.event})"
                yield f"{where}: the hook that runs Carryover was edited by hand. It stays; remove it yourself."


def _known_projects(state: StateDir, home: Path) -> tuple[list[PublishedProject], list[str]]:
    """Returns the projects that have our folder, and notes on what could not be looked at."""
    notes: list[str] = []
    on_record = _projects_on_record(state, notes)
    in_ledger = _projects_in_ledger(state, notes)
    each = look_at_each([*on_record, *in_ledger], _state_of_folder, at=_root_of)
    states = dict(each)
    silent = {project.root for project in (*on_record, *in_ledger) if project not in states}
    for root in sorted(silent):
        notes.append(f"{root}: its disk does not answer, so what was written there stays. Repeat this later.")
    not_a_project = {here().canonical(state.root), here().canonical(home / STORE)}
    recorded = set(on_record)
    known = []
    for project, (is_there, folder) in states.items():
        if folder not in not_a_project and (is_there or project in recorded):
            known.append(project)
    return known, notes


def _projects_on_record(state: StateDir, notes: list[str]) -> list[PublishedProject]:
    """Returns the projects that the state folder lists; adds a note if it can't be read."""
    try:
        return list(record.published_projects(state.root))
    except OSError as error:
        notes.append(f"The list of projects can't be read: {os_reason(error)}.")
        return []


def _projects_in_ledger(state: StateDir, notes: list[str]) -> list[PublishedProject]:
    """Returns the projects that the ledger knows; adds a note if it can't be read."""
    try:
        with closing(connect_read_only(state.ledger)) as db:
            return [PublishedProject(row.root, str(Path(row.root) / STORE)) for row in projects(db)]
    except (UserError, sqlite3.Error) as error:
        if not (isinstance(error, UserError) and error.code is ExitCode.NOTHING_FOUND):
            notes.append("The ledger can't be read. Projects that only the ledger knows keep their handoff.")
        return []


def _state_of_folder(project: PublishedProject) -> tuple[bool, str]:
    """Returns whether our folder is there, and its real path."""
    return os.path.lexists(project.folder), here().canonical(project.folder)


def _root_of(project: PublishedProject) -> Path:
    return Path(project.root)


def _moved_roots(state: StateDir) -> set[str]:
    """Returns the former roots of projects that are elsewhere now: what is there is undone there."""
    try:
        with closing(connect_read_only(state.ledger)) as db:
            each = {place.id: place for place in whereabouts(db)}
    except (UserError, sqlite3.Error):  # `_known_projects` reports it
        return set()
    places = ((place.root, each.get(place.moved_to)) for place in each.values() if place.moved_to is not None)
    moved = look_at_each(
        ((root, now.root) for root, now in places if now is not None),
        lambda place: is_folder(Path(place[1])),
        at=lambda place: Path(place[1]),
    )
    return {root for (root, _), is_here in moved if is_here}


def _not_ours(removals: Iterable[Removal]) -> Iterator[str]:
    going = {ours.path for ours in removals}
    for folder in sorted(path for path in going if path.is_dir() and not path.is_symlink()):
        others = sorted(entry.name for entry in folder.iterdir() if entry not in going)
        if others:
            named = ", ".join(others[:_MOST_NAMED]) + (", ..." if len(others) > _MOST_NAMED else "")
            yield f"{folder} stays: it holds {named}, which is not Carryover's."


def _tree(top: Path, what: str) -> Iterator[tuple[Path, str]]:
    if top.is_symlink():
        yield top, what
        return
    for folder, folders, files in os.walk(top, topdown=False):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from ((Path(folder, name), what) for name in sorted([*files, *links]))
        yield Path(folder), what


def _remove(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    except FileNotFoundError:
        return False
    return True
