"""Forgets sessions everywhere: in the ledger, and in everything derived from them in projects and the state folder.

Agents' own files are never touched.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec

from carryover.config import Config, project_settings
from carryover.edits.record import published_projects
from carryover.errors import os_reason
from carryover.fsio import is_folder, read_bytes_bounded
from carryover.ledger.connect import LedgerUnavailable, connect_read_only
from carryover.ledger.queries import Selection, projects, selected_sessions, session_ids, whereabouts
from carryover.ledger.store import Ledger
from carryover.model import conversation_of
from carryover.projects.handoff_file import HANDOFF, HANDOFF_LIMIT_BYTES, STORE, sha_of
from carryover.projects.root import StatePaths
from carryover.publish.loaded_files import handoff_names, loaded_names
from carryover.publish.offline_answers import STORE as ANSWERS
from carryover.publish.offline_answers import forget_answers
from carryover.publish.refresh import refresh
from carryover.publish.spooled_calls import remove_all, remove_spooled

Publish = Callable[[Sequence[int], Sequence[int]], Awaitable[Iterable[str]]]
"""Publishes the first projects again; the others are gone and must not be written any more. Returns what went wrong."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions lost something. `problems`: what remains to be done, as sentences."""

    sessions: int = 0
    problems: tuple[str, ...] = ()


async def forget_sessions(
    ledger: Ledger,
    paths: StatePaths,
    selections: Iterable[Selection],
    config: Config,
    publish: Publish,
    *,
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
) -> Erased:
    """Removes what `selections` name from the ledger, handoffs, offline answers and spool; republishes what is left.

    Files go first. After an interruption, the rest is erased when the ledger is next opened. Raises LedgerUnavailable
    and LedgerDamaged; the ledger is then unchanged.
    """
    each = list(selections)
    roots, conversations, known = await asyncio.to_thread(_selected, paths, each, now_ms())
    problems, had = await asyncio.to_thread(_remove_published, paths, config, roots)
    remove_calls = partial(remove_spooled, paths.state, each, known=known, now_ms=now_ms())
    # Before the ledger, since only that leads to them. What a hook reports meanwhile is removed below.
    problems += await asyncio.to_thread(remove_calls, conversations)
    done = [await ledger.forget(selection, now_ms=now_ms()) for selection in each]
    gone = sorted({project for one in done for project in one.gone})
    changed = sorted({project for one in done for project in one.changed} - set(gone))
    of_changed = await asyncio.to_thread(_roots_of, paths, changed)
    again = [project for project in changed if of_changed.get(project) in had]
    problems += await publish(again, gone)
    # A publication that began before may have written what an agent at work then keeps.
    if await asyncio.to_thread(_remove_loaded, config, [of_changed[project] for project in again], problems):
        problems += await publish(again, ())
    late, _ = await asyncio.to_thread(_remove_published, paths, config, roots - set(of_changed.values()))
    problems += late
    conversations |= {conversation for one in done for conversation in one.conversations}
    problems += await asyncio.to_thread(remove_calls, conversations)
    try:
        await ledger.erase()
    except LedgerUnavailable as trouble:
        problems.append(f"Deleted, but not yet overwritten: {trouble}")
    return Erased(sessions=sum(one.sessions for one in done), problems=tuple(dict.fromkeys(problems)))


async def publish_here(
    ledger: Ledger, paths: StatePaths, config: Config, again: Sequence[int], _gone: Sequence[int]
) -> Iterable[str]:
    """Republishes projects in this process, when no daemon does."""
    problems = []
    for project in again:
        now_ms = int(time.time() * 1000)
        newest = await asyncio.to_thread(_newest_project, paths)
        try:
            made = await asyncio.to_thread(refresh, paths, project, config, now_ms=now_ms, newest=project == newest)
        except OSError as error:
            problems.append(f"A handoff could not be written again: {os_reason(error)}.")
            continue
        await ledger.set_published(project, made.sha, now_ms, made.published.refusal, made.git)
    return problems


def _selected(
    paths: StatePaths, selections: Iterable[Selection], now_ms: int
) -> tuple[set[str], set[tuple[str, str]], set[str]]:
    """Returns all affected roots (present and former), all affected conversations, and all known ids."""
    roots: set[str | None] = set()
    conversations: set[tuple[str, str]] = set()
    with closing(connect_read_only(paths.ledger)) as db:
        for selection in selections:
            if selection.is_everything:
                roots |= {row.root for row in whereabouts(db)}
            for row in selected_sessions(db, selection, now_ms=now_ms):
                roots |= {row.root, row.recorded_root}
                conversations.add((row.agent, conversation_of(row.native_id)))
        known = {conversation_of(session) for session in session_ids(db)}
    return {root for root in roots if root is not None}, conversations, known


def _roots_of(paths: StatePaths, ids: Collection[int]) -> dict[int, str]:
    with closing(connect_read_only(paths.ledger)) as db:
        return {row.id: row.root for row in whereabouts(db) if row.id in ids}


def _newest_project(paths: StatePaths) -> int | None:
    with closing(connect_read_only(paths.ledger)) as db:
        return next((row.id for row in projects(db)), None)


def _remove_published(paths: StatePaths, config: Config, roots: Collection[str]) -> tuple[list[str], set[str]]:
    """Removes the handoffs and offline answers of `roots`; returns the problems, and the roots that had a handoff."""
    problems: list[str] = []
    had: set[str] = set()
    with closing(connect_read_only(paths.ledger)) as db:
        rows = whereabouts(db)
    published = {row.root for row in rows if row.published_sha is not None}
    try:
        folders = {Path(known.folder) for known in published_projects(paths.state)}
    except OSError as error:
        problems.append(f"The list of projects can't be read: {os_reason(error)}.")
        folders = set()
    for root in sorted(roots):
        for folder in {project_settings(Path(root), config).folder or Path(root) / STORE, Path(root) / STORE}:
            # If nothing was ever published, a file of that name came with the repository.
            if (root in published or folder in folders) and _remove_handoff(folder, problems):
                had.add(root)
        try:
            forget_answers(paths.state, root)
        except OSError as error:
            problems.append(f"{paths.state / ANSWERS} still has an answer for {root}: {os_reason(error)}.")
    kept = {row.published_sha for row in rows if row.root not in roots}
    if roots and _sha_of_file(paths.state / HANDOFF) not in kept:
        _remove_handoff(paths.state, problems)
    return problems, had


def _remove_loaded(config: Config, roots: Iterable[str], problems: list[str]) -> bool:
    """Removes the files that agents load from projects that are published; returns whether there was one."""
    stores = [Path(root) / STORE for root in roots if project_settings(Path(root), config).folder is None]
    files = [store / name for store in stores for name in loaded_names() if os.path.lexists(store / name)]
    remove_all(files, problems)
    return bool(files)


def _remove_handoff(folder: Path, problems: list[str]) -> bool:
    if not is_folder(folder) or folder.is_symlink():
        return False
    there = os.path.lexists(folder / HANDOFF)
    names = handoff_names()
    cut_off = (path for name in names for path in folder.glob(f".{name}.*.tmp"))
    remove_all([*(folder / name for name in names), *cut_off], problems)
    return there


def _sha_of_file(path: Path) -> str | None:
    try:
        return sha_of(read_bytes_bounded(path, HANDOFF_LIMIT_BYTES, follow=False))
    except OSError:
        return None
