"""Linking a project's old path to its new one: checked here, done by the running daemon or, without one, by us."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import msgspec

from carryover.cli.control import ask_daemon
from carryover.cli.where import agents_own, project_root, root_of
from carryover.config import load_config
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock, is_folder
from carryover.ledger.moves import Moved
from carryover.ledger.queries import Whereabouts, connect_read_only, whereabouts
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.publish.following import Place, follow, is_linked, link, look, unlink
from carryover.publish.moved_folders import is_away

ANSWER_S: Final = 20.0


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was linked, or no longer is (`new` is None). `sessions`: how many belong to another project now."""

    old: str
    new: str | None
    sessions: int


def link_projects(state: StateDir, old: str, new: str) -> Done:
    """Let what was recorded at `old` belong to the project at `new`.

    Raises UserError: REFUSED while the old folder is there, NOTHING_FOUND where nothing is recorded there or the new
    folder is missing, USAGE where both are one.
    """
    old_root, new_root = _as_recorded(old), project_root(new)
    if old_root == new_root:
        raise UserError("OLD and NEW are the same folder.", ExitCode.USAGE)
    if not is_away(old_root):
        raise UserError(
            f"{old_root} is still there, so its sessions stay its own. Move it first, or remove it.", ExitCode.REFUSED
        )
    if not is_folder(Path(new_root)):
        raise UserError(f"There is no folder {new_root}.", ExitCode.NOTHING_FOUND)
    if not any(_is_at_or_below(row, old_root) for row in _known(state)):
        raise _nothing_at(old_root)
    query = urlencode({"old": old_root, "new": new_root})
    sessions = _ask_or_do(
        state, f"/link?{query}", lambda ledger, place: link(ledger, place, old_root, new_root, now_ms=_now_ms())
    )
    return Done(old=old_root, new=new_root, sessions=sessions)


def unlink_projects(state: StateDir, old: str) -> Done:
    """Undo a link, or what was found without one. Raises UserError (NOTHING_FOUND) where there is none."""
    old_root = _as_recorded(old)
    if not any(is_linked(row, old_root) for row in _known(state)):
        raise UserError(f"{old_root} is not linked to another folder.", ExitCode.NOTHING_FOUND)
    query = urlencode({"old": old_root})
    config = load_config(state.config)
    sessions = _ask_or_do(state, f"/unlink?{query}", lambda ledger, place: unlink(ledger, place, old_root, config))
    return Done(old=old_root, new=None, sessions=sessions)


async def follow_here(ledger: Ledger, state: StateDir, root: str) -> frozenset[str]:
    """Find what was recorded of the project at `root` before it was moved; the roots that it had, and has."""
    place, project = place_of(state), root_of(root)
    seen = look(place, project.root, load_config(state.config))
    await follow(ledger, place, project, seen, now_ms=_now_ms())
    known = {row.id: row for row in _known(state)}
    roots = {project.root}
    while more := {row.root for row in known.values() if _target(row, known) in roots} - roots:
        roots |= more
    return frozenset(roots)


def place_of(state: StateDir) -> Place:
    """Where everything lies that linking needs. Raises UserError where the settings can't be read."""
    own = agents_own(load_config(state.config).tools)
    return Place(ledger=state.ledger, state=state.root, home=Path.home(), agents_own=own)


def _ask_or_do(state: StateDir, target: str, do: Callable[[Ledger, Place], Awaitable[Moved]]) -> int:
    """How many sessions were moved by the daemon or, where none runs, by `do`."""
    answer = ask_daemon(state.socket, "POST", target, timeout_s=ANSWER_S)
    if answer is not None:
        return int(answer["sessions"])
    lock = FileLock(state.lock)
    if not lock.acquire():
        raise UserError("Another process is at work on the ledger; nothing was changed. Try again in a moment.")
    try:
        return asyncio.run(_do(state, do))
    finally:
        lock.release()


async def _do(state: StateDir, do: Callable[[Ledger, Place], Awaitable[Moved]]) -> int:
    ledger = await Ledger.open(state.ledger, DigestReducer())
    try:
        return (await do(ledger, place_of(state))).sessions
    finally:
        await ledger.close()


def _as_recorded(folder: str) -> str:
    """A path as the ledger has it, whose last part may be gone, or a link by now."""
    path = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 (resolve would follow the last part)
    return str(Path(os.path.realpath(path.parent)) / path.name)


def _known(state: StateDir) -> list[Whereabouts]:
    with closing(connect_read_only(state.ledger)) as db:
        return whereabouts(db)


def _is_at_or_below(row: Whereabouts, root: str) -> bool:
    return f"{row.root}/".startswith(f"{root.rstrip('/')}/")


def _target(row: Whereabouts, known: dict[int, Whereabouts]) -> str | None:
    return known[row.moved_to].root if row.moved_to in known else None


def _nothing_at(root: str) -> UserError:
    return UserError(
        f"Nothing is recorded for {root}. `carryover sessions --all` lists the projects that are known.",
        ExitCode.NOTHING_FOUND,
    )


def _now_ms() -> int:
    return int(time.time() * 1000)
