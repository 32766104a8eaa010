"""Forgets sessions everywhere: in the ledger, and in everything derived from them in projects and the state folder.

Agents' own files are never touched. A hook call that was not yet read is matched by its working folder and its time.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence, Set
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from carryover.clock import utc_now_ms
from carryover.config import Config, load_config
from carryover.decoders import decoder_of
from carryover.errors import os_reason
from carryover.fsio import is_folder, open_regular, read_bytes_bounded
from carryover.ledger import queries
from carryover.ledger.connect import LedgerUnavailable, connect_read_only
from carryover.ledger.forget import Forgotten
from carryover.ledger.queries import Selection, whereabouts
from carryover.ledger.store import Ledger
from carryover.model import conversation_of
from carryover.outside.journal import read_journal
from carryover.paths import STORE
from carryover.probe.ignore_rules import GITIGNORE
from carryover.probe.looks import Silent, look_at
from carryover.projects.handoff_file import HANDOFF
from carryover.projects.root import StatePaths
from carryover.publish.hook_script import remove_former_copies
from carryover.publish.publish import publish_project
from carryover.publish.second_page import write_second_page
from carryover.publish.store import is_taken, loaded_names, own_files
from carryover.transcript.spooled import SpooledCall

_T = TypeVar("_T")
Publish = Callable[[Sequence[int], Sequence[int]], Awaitable[Iterable[str]]]
"""Publishes the first projects again; the others are gone and must not be written any more. Returns what went wrong."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions lost something. `problems`: what remains to be done, as sentences."""

    sessions: int = 0
    problems: tuple[str, ...] = ()


async def forget_sessions(
    ledger: Ledger,
    paths: StatePaths,
    selection: Selection,
    publish: Publish,
    *,
    now_ms: Callable[[], int] = utc_now_ms,
) -> Erased:
    """Removes what `selection` names from the ledger, handoffs and spool; republishes what is left.

    Files go first; after an interruption, the rest is erased when the ledger is next opened. Raises LedgerUnavailable
    and LedgerDamaged; the ledger is then unchanged.
    """
    roots, conversations, known = await asyncio.to_thread(_selected, paths, selection, now_ms())
    problems, had = await asyncio.to_thread(remove_published, paths, roots)
    remove_calls = partial(remove_spooled, paths.state.root, selection, known=known, now_ms=now_ms())
    # Before the ledger, since only that leads to them. What a hook reports meanwhile is removed below.
    problems += await asyncio.to_thread(remove_calls, conversations)
    try:
        done = await ledger.forget(selection, now_ms=now_ms())
    except LedgerUnavailable as trouble:
        raise LedgerUnavailable(f"Nothing was forgotten yet; run this again. {trouble}") from trouble
    problems += await _republish(paths, publish, done, roots, had)
    problems += await asyncio.to_thread(remove_calls, conversations.union(done.conversations))
    try:
        await ledger.erase()
    except LedgerUnavailable as trouble:
        problems.append(f"Deleted, but not yet overwritten, which carryoverd does once it can: {trouble}")
    return Erased(sessions=done.sessions, problems=tuple(dict.fromkeys(problems)))


async def _republish(
    paths: StatePaths, publish: Publish, done: Forgotten, roots: Set[str], had: Collection[str]
) -> list[str]:
    """Publishes again what is left in those of `roots` that `had` a handoff, and removes what was published elsewhere
    in the meantime. Returns the problems."""
    left = {row.id: row.root for row in await asyncio.to_thread(_read, paths, whereabouts) if row.root in had}
    again, written = sorted(left), [*left.values()]
    problems = [*await publish(again, done.gone)]
    # A publication that began before may have written what an agent at work then keeps.
    if await asyncio.to_thread(_remove_loaded, written, problems):
        problems += await publish(again, ())
    late, _ = await asyncio.to_thread(remove_published, paths, roots - {*written})
    return [*problems, *late]


async def forget_here(ledger: Ledger, paths: StatePaths, selection: Selection) -> Erased:
    """Forgets sessions in this process, without a daemon."""
    config = await asyncio.to_thread(load_config, paths.state.config)
    publish = partial(publish_here, ledger, paths, config)
    return await forget_sessions(ledger, paths, selection, publish)


async def publish_here(
    ledger: Ledger, paths: StatePaths, config: Config, again: Sequence[int], _gone: Sequence[int]
) -> Iterable[str]:
    """Republishes projects in this process, if there is no daemon to do so."""
    problems = []
    for project in again:
        now_ms = utc_now_ms()
        try:
            publish = partial(publish_project, paths, project, config, now_ms=now_ms)
            made = await asyncio.to_thread(publish)
            write_page = partial(write_second_page, project=project, made=made, config=config)
            await asyncio.to_thread(_read, paths, write_page)
        except OSError as error:
            problems.append(f"A handoff could not be written again: {os_reason(error)}.")
            continue
        try:
            await ledger.set_published(project, made.sha, now_ms, made.published.refusal, made.git)
        except LedgerUnavailable as trouble:  # the sessions are forgotten all the same, which the user is to hear
            problems.append(f"What was written again could not be noted: {trouble}")
    return problems


def _selected(paths: StatePaths, selection: Selection, now_ms: int) -> tuple[set[str], set[tuple[str, str]], set[str]]:
    """Returns all affected roots (present and former, with those of worktrees and main checkouts, whose handoffs name
    each other), all affected conversations, and all known ids."""
    with closing(connect_read_only(paths.state.ledger)) as db:
        places = whereabouts(db)
        roots: set[str | None] = set()
        if selection.is_everything:
            roots.update(place.root for place in places)
        rows = queries.selected_sessions(db, selection, now_ms=now_ms)
        known = {conversation_of(session) for session in queries.session_ids(db)}
    for row in rows:
        roots.update((row.root, row.recorded_root))
    mains = {place.main_root for place in places if place.root in roots} - {None}
    roots |= {place.root for place in places if place.root in mains or place.main_root in roots - {None}}
    conversations = {(row.agent, conversation_of(row.native_id)) for row in rows}
    return {root for root in roots if root is not None}, conversations, known


def _read(paths: StatePaths, query: Callable[[sqlite3.Connection], _T]) -> _T:
    with closing(connect_read_only(paths.state.ledger)) as db:
        return query(db)


def remove_published(paths: StatePaths, roots: Collection[str]) -> tuple[list[str], set[str]]:
    """Removes the handoffs of `roots`, and those outside of projects whose root is not recorded any more; returns the
    problems, and the roots that had a handoff."""
    remove_former_copies(paths.state)
    problems: list[str] = []
    had: set[str] = set()
    projects = _read(paths, whereabouts)
    recorded = {row.root for row in projects}
    published = {row.root for row in projects if row.is_published}
    try:
        listed = [(Path(entry.path), entry.root) for entry in read_journal(paths.state.root).handoffs]
    except OSError as error:
        problems.append(f"The list of projects can't be read: {os_reason(error)}.")
        listed = []
    folders = {folder for folder, _ in listed}
    own = {(Path(root) / STORE, root) for root in roots}
    # If nothing was ever published, a file of that name came with the repository.
    ours = [(folder, root) for folder, root in own if root in published or folder in folders]
    # One that is not recorded may be a worktree, whose handoff names what is done in its main checkout.
    elsewhere = [(folder, root) for folder, root in listed if folder != Path(root) / STORE and root not in recorded]
    listed = [(folder, root) for folder, root in listed if root in roots]
    for folder, root in sorted({*ours, *elsewhere, *listed}):
        try:
            removed = look_at(folder, partial(_remove_handoff, folder, problems))
        except Silent:
            problems.append(f"{folder} may still have a handoff: its disk does not answer.")
            continue
        if removed and root in roots:
            had.add(root)
    return problems, had


def _remove_loaded(roots: Iterable[str], problems: list[str]) -> bool:
    """Removes the files that agents load from projects that are published; returns whether there was one."""
    copies = (Path(root, STORE, name) for root in roots for name in loaded_names())
    files = [file for file in copies if os.path.lexists(file)]
    remove_all(files, problems)
    return bool(files)


def _remove_handoff(folder: Path, problems: list[str]) -> bool:
    """Removes the handoff, what was written beside it and cut-off writes, and leaves the folder's own rule; returns
    whether there was a handoff."""
    if not is_folder(folder):
        return False
    had_handoff = os.path.lexists(folder / HANDOFF)
    # Also what seems not to be there: of a folder that can't be entered, only removing says why it stays.
    remove_all((file for file in own_files(folder) if file.name != GITIGNORE), problems)
    return had_handoff


_SPOOL: Final = "spool"
"""Folder of hook calls in the state folder, with one subfolder per agent and files named by session."""
_LIMIT_BYTES: Final = 8 << 20


def remove_spooled(
    state: Path,
    selection: Selection,
    conversations: Collection[tuple[str, str]],
    *,
    known: Collection[str],
    now_ms: int,
) -> list[str]:
    """Removes the spooled calls of `conversations` (agent and id). Returns what is left to do, as sentences.

    `known`: ids of all conversations that have been read; calls of others are removed if `selection` names them.
    """
    problems: list[str] = []
    spool = state / _SPOOL
    if not is_folder(spool) or spool.is_symlink():
        return problems
    if selection.is_everything:
        try:
            shutil.rmtree(spool)
        except OSError as error:
            problems.append(f"{spool} is still there: {os_reason(error)}.")
        return problems
    for agent, conversation in conversations:
        folder = spool / agent
        remove_all((path for path in _files(folder) if _is_of_conversation(path, conversation, folder)), problems)
    if selection.session is None and selection.conversation is None:
        unread = (path for path in _files(spool) if path.name.partition(".")[0] not in known)
        remove_all((path for path in unread if _is_selected(path, selection, now_ms)), problems)
    return problems


def remove_all(files: Iterable[Path], problems: list[str]) -> None:
    """Removes files, which may already be gone, but no folder of that name; adds a sentence to `problems` for each
    failure."""
    for path in files:
        if is_taken(path):
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            problems.append(f"{path} is still there: {os_reason(error)}.")


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if not path.is_symlink() and not path.is_dir()]


def _is_of_conversation(path: Path, conversation: str, folder: Path) -> bool:
    """Whether it is a file of a conversation, or a waiting call that names it."""
    if path.name == conversation or path.name.startswith(f"{conversation}."):
        return True
    with suppress(OSError):
        return path.parent != folder and conversation.encode() in read_bytes_bounded(path, _LIMIT_BYTES, follow=False)
    return False


def _is_selected(path: Path, selection: Selection, now_ms: int) -> bool:
    """Whether a file of calls, last changed in the selected period, was written in the selected project."""
    try:
        changed_ms = path.lstat().st_mtime_ns // 1_000_000
        folder = _folder_of(path) if selection.root is not None else None
    except OSError:
        return False
    since_ms, until_ms = selection.span(now_ms)
    is_here = selection.root is None or Path(os.path.normpath(folder or "")).is_relative_to(selection.root)
    return is_here and since_ms <= changed_ms < until_ms


def _folder_of(path: Path) -> str | None:
    """Returns the folder in which the first call in a file was made; a waiting call has it on its second line."""
    with os.fdopen(open_regular(path), "rb") as file:
        first = file.readline(_LIMIT_BYTES)
        if not first.startswith(b"{"):
            return os.fsdecode(file.readline(_LIMIT_BYTES).strip()) or None
    try:
        return decoder_of(SpooledCall).decode(first).cwd
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
