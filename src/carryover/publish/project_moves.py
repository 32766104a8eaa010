"""Updates the ledger when projects' folders move: recognised by their identity, or linked by the user."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from carryover.config import Config, project_settings
from carryover.facts import ProjectRoot, is_foreign
from carryover.fsio import is_folder
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import take_again
from carryover.ledger.queries import whereabouts
from carryover.ledger.rows import Whereabouts
from carryover.ledger.sessions import Moved, adopt_all, know_project, move_back, move_project, note_identity
from carryover.ledger.store import Ledger
from carryover.ledger.threads import Reducer
from carryover.outside.journal import read_journal, write_down
from carryover.outside.listed import Listed, handoff_folder
from carryover.paths import STORE
from carryover.probe.checkout import Checkout
from carryover.probe.looks import Silent, look_at
from carryover.projects import moved_folders
from carryover.projects.root import StatePaths
from carryover.publish.shared_pointers import repository_path


class RootFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A project's root on disk, the ledger's row of it, and the projects that were moved there."""

    root: str
    own: Whereabouts | None = None
    identity: str | None = None
    """By what it is recognised later."""
    apart: tuple[Whereabouts, ...] = ()
    """The worktrees of its repository that are excluded, perhaps by their own file, which goes with them: so nothing
    may tell later whose they were."""
    moved: tuple[Whereabouts, ...] = ()


def inspect_root(paths: StatePaths, root: str, config: Config) -> RootFacts:
    """Inspects `root` for projects that moved there. Blocks; writes nothing."""
    folder = Path(root)
    if not root.startswith("/") or not is_folder(folder):
        return RootFacts(root=root)
    known = _known(paths)
    own = next((row for row in known if row.root == root), None)
    main_root = Checkout(folder).main
    worktrees = [row for row in known if row.main_root is not None and row.main_root in (root, main_root)]
    apart = tuple(row for row in worktrees if is_excluded(row.root, config))
    if own is not None and main_root is not None and is_excluded(root, config):
        return RootFacts(root=root, own=own, apart=apart)
    identity = moved_folders.identity_of(folder)
    moved = moved_folders.moved_to_here(folder, identity, known, config, paths)
    if main_root is not None:
        identity = moved_folders.identity_of(Path(main_root))
    return RootFacts(root=root, own=own, identity=identity, apart=apart, moved=tuple(moved))


def is_excluded(root: str, config: Config) -> bool:
    """Whether a folder that is there is excluded. On a disk that does not answer, it is not known to be."""
    folder = Path(root)
    with suppress(Silent):
        return look_at(folder, lambda: is_folder(folder) and project_settings(folder, config).excluded is not None)
    return False


async def follow(ledger: Ledger, paths: StatePaths, project: ProjectRoot, seen: RootFacts) -> Moved:
    """Joins to the project what was recorded before it was moved, and stores its identity to recognise the next
    move."""
    own_id = seen.own.id if seen.own is not None else None
    known = seen.own.identity if seen.own is not None else None
    for row in seen.apart:
        if row.identity is not None:
            await ledger.write(note_identity, row.id, None)
    moved: list[Moved] = []
    if seen.moved:
        own_id, moved = await ledger.write(_join, project, seen)
        await asyncio.to_thread(_bring_published, paths, [row.root for row in seen.moved], seen.root)
    # It is forgotten when a project is known again at a path from which it had moved.
    if own_id is not None and seen.identity is not None and (seen.moved or seen.identity != known):
        await ledger.write(note_identity, own_id, seen.identity)
    return _total(moved)


def _join(db: sqlite3.Connection, project: ProjectRoot, seen: RootFacts) -> tuple[int, list[Moved]]:
    """Joins what was moved to the project inside the open transaction; returns the project's id and what was moved."""
    own_id = know_project(db, seen.root, project.main_root)
    moved = [move_project(db, row.id, own_id) for row in seen.moved]
    if any(row.main_root is not None for row in seen.moved):
        adopt_all(db, own_id)
    return own_id, moved


async def link(ledger: Ledger, paths: StatePaths, old: str, new: str) -> Moved:
    """Moves what was recorded at `old`, and in projects below it, to the project at `new`, at the user's request."""
    moved = []
    known = await asyncio.to_thread(_known, paths)
    for row, root in await asyncio.to_thread(
        moved_folders.moves_with, old, new, known, lambda folder: paths.root_of(folder).root
    ):
        target = await asyncio.to_thread(paths.root_of, root)
        moved.append(await ledger.write(_link, ledger.reducer, row, target))
        await asyncio.to_thread(_bring_published, paths, [row.root], target.root)
    return _total(moved)


def _link(db: sqlite3.Connection, reducer: Reducer, row: Whereabouts, target: ProjectRoot) -> Moved:
    new_id = know_project(db, target.root, target.main_root)
    if is_foreign(row.root):
        take_again(db, reducer, row.root)
    return move_project(db, row.id, new_id)


async def unlink(ledger: Ledger, paths: StatePaths, old: str) -> Moved:
    """Undoes a move from `old`, which will not be recognised again, and deletes handoffs that contain both projects'
    work."""
    from carryover.publish.forgetting import remove_published

    known = await asyncio.to_thread(_known, paths)
    moved = _total([await ledger.write(move_back, row.id) for row in known if is_linked(row, old)])
    await asyncio.to_thread(remove_published, paths, {row.root for row in known if row.id in moved.projects})
    return moved


def is_linked(row: Whereabouts, old: str) -> bool:
    """Whether `row` is the project that was moved from `old`, or one below it that moved along."""
    return (row.moved_to is not None or row.left) and f"{row.root}/".startswith(f"{old.rstrip('/')}/")


def _known(paths: StatePaths) -> list[Whereabouts]:
    with closing(connect_read_only(paths.state.ledger)) as db:
        return whereabouts(db)


def _bring_published(paths: StatePaths, old: Sequence[str], new: str) -> None:
    """Lists the new path of what we put into the project's folder, so that uninstall finds it."""
    store = Path(new) / STORE
    with suppress(OSError):
        journal = read_journal(paths.state.root)
        inside = [entry for entry in journal.live if entry.root in old and entry.form != "handoff"]
        moved = [_at(new, entry) for entry in inside]
        moved += [msgspec.structs.replace(entry, gone=True) for entry in inside]  # what begins there next is another's
        if is_folder(store) and any(entry.root in old for entry in journal.handoffs):
            moved.append(handoff_folder(store, new))
        write_down(paths.state.root, *moved)


def _at(root: str, entry: Listed) -> Listed:
    """Returns the entry of a project's file as of the project at `root`."""
    repository = str(repository_path(Checkout(Path(root)))) if entry.repository else ""
    return msgspec.structs.replace(entry, path=f"{root}/{entry.name}", root=root, repository=repository)


def _total(moved: Iterable[Moved]) -> Moved:
    each = list(moved)
    projects = {project for one in each for project in one.projects}
    sessions, notes = sum(one.sessions for one in each), sum(one.notes for one in each)
    return Moved(sessions=sessions, notes=notes, projects=tuple(sorted(projects)))
