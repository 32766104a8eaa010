"""Joins what was recorded at a project's old path to its new one, at the user's request."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import now_ms, project_root
from carryover.config import load_config
from carryover.daemon.client import ask_daemon
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.queries import Whereabouts, connect_read_only, whereabouts
from carryover.paths import StateDir
from carryover.projects.moved_folders import is_away

if TYPE_CHECKING:
    from carryover.ledger.sessions import Moved
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths

ANSWER_S: Final = 20.0


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was made or undone (`new` is then None). `sessions`: how many sessions changed projects."""

    old: str
    new: str | None
    sessions: int


def link_projects(state: StateDir, old: str, new: str) -> Done:
    """Moves what was recorded at `old` to the project at `new`.

    Raises UserError: REFUSED if the old folder still exists, NOTHING_FOUND if nothing is recorded there or the new
    folder is missing, USAGE if both are the same.
    """
    from carryover.publish.project_moves import link

    old_root, new_root = _as_recorded(old), project_root(new)
    if old_root == new_root:
        raise UserError("OLD and NEW are the same folder.", ExitCode.USAGE)
    if not is_away(old_root):
        raise UserError(
            f"{old_root} still exists, so its sessions stay with it. Move or remove it first.", ExitCode.REFUSED
        )
    if not is_folder(Path(new_root)):
        raise UserError(f"There is no folder {new_root}.", ExitCode.NOTHING_FOUND)
    if not any(_is_at_or_below(row, old_root) for row in _known(state)):
        raise _nothing_at(old_root)
    query = urlencode({"old": old_root, "new": new_root})
    sessions = _ask_or_do(
        state, f"/link?{query}", lambda ledger, paths: link(ledger, paths, old_root, new_root, now_ms=now_ms())
    )
    return Done(old=old_root, new=new_root, sessions=sessions)


def unlink_projects(state: StateDir, old: str) -> Done:
    """Undoes a link or a recognised move. Raises UserError (NOTHING_FOUND) if there is none."""
    from carryover.publish.project_moves import is_linked, unlink

    old_root = _as_recorded(old)
    if not any(is_linked(row, old_root) for row in _known(state)):
        raise UserError(f"{old_root} is not linked to another folder.", ExitCode.NOTHING_FOUND)
    query = urlencode({"old": old_root})
    config = load_config(state.config)
    sessions = _ask_or_do(state, f"/unlink?{query}", lambda ledger, paths: unlink(ledger, paths, old_root, config))
    return Done(old=old_root, new=None, sessions=sessions)


def _ask_or_do(state: StateDir, target: str, do: Callable[[Ledger, StatePaths], Awaitable[Moved]]) -> int:
    """Has the daemon or, if none is running, `do` move the sessions; returns how many were moved."""
    answer = ask_daemon(state.socket, "POST", target, timeout_s=ANSWER_S)
    if answer is not None:
        return int(answer["sessions"])
    from carryover.actions.from_disk import as_writer

    return as_writer(state, do).sessions


def _as_recorded(folder: str) -> str:
    """Returns a path as the ledger has it; its last part may no longer exist, or may be a symlink by now."""
    if is_foreign(folder):
        return folder.rstrip("/")
    path = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 (resolve would follow the last part)
    return str(Path(os.path.realpath(path.parent)) / path.name)


def _known(state: StateDir) -> list[Whereabouts]:
    with closing(connect_read_only(state.ledger)) as db:
        return whereabouts(db)


def _is_at_or_below(row: Whereabouts, root: str) -> bool:
    return f"{row.root}/".startswith(f"{root.rstrip('/')}/")


def _nothing_at(root: str) -> UserError:
    return UserError(
        f"Nothing is recorded for {root}. `carryover sessions --all` lists the projects that are known.",
        ExitCode.NOTHING_FOUND,
    )
