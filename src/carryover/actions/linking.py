"""Joins what was recorded at another path to a project here, and undoes that."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.connect import reading
from carryover.ledger.queries import whereabouts
from carryover.ledger.rows import Whereabouts
from carryover.ledger.sessions import Moved
from carryover.past.context import KNOWN_PROJECTS, project_root, state_dir
from carryover.past.opened import written_daemonless
from carryover.platform import here
from carryover.projects.moved_folders import is_away
from carryover.publish.project_moves import is_linked, link, unlink
from carryover.terminal.paths import shell_word

_ANSWER_S: Final = 20.0


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was made or undone (`new` is then None). `sessions`: how many sessions changed projects,
    of which `notes` are notes and pins."""

    old: str
    new: str | None
    sessions: int
    notes: int


def link_projects(old: str, new: str, *, answer_s: float = _ANSWER_S) -> Done:
    """Moves what was recorded at `old` to `new`. Raises UserError if `old` still exists, is unknown, is
    joined with another project or is `new`, or if `new` is no folder."""
    old_root, new_root = _as_recorded(old), project_root(new)
    _refuse_unless_gone(old_root, new_root)
    _refuse_unless_recorded(old_root, new_root)
    query = {"old": old_root, "new": new_root}
    do = partial(link, old=old_root, new=new_root)
    moved = written_daemonless("/link", query, Moved, do, timeout_s=answer_s)
    return Done(old=old_root, new=new_root, sessions=moved.sessions, notes=moved.notes)


def _refuse_unless_gone(old_root: str, new_root: str) -> None:
    """Raises UserError unless there is a new folder in place of the old one."""
    if old_root == new_root:
        raise UserError("OLD and NEW are the same folder. Nothing was changed.", ExitCode.USAGE)
    if not is_away(old_root):
        stay = "so its sessions stay with it. Move or remove it first."
        raise UserError(f"{old_root} still exists, {stay}", ExitCode.REFUSED)
    if not is_folder(Path(new_root)):
        raise UserError(f"There is no folder {new_root}. Nothing was changed.", ExitCode.NOTHING_FOUND)


def _refuse_unless_recorded(old_root: str, new_root: str) -> None:
    """Raises UserError if nothing is recorded in the old folder, or it is linked to another one already."""
    projects = {row.id: row for row in _projects()}
    if not any(f"{row.root}/".startswith(f"{old_root.rstrip('/')}/") for row in projects.values()):
        raise UserError(f"Nothing is recorded for {old_root}. {KNOWN_PROJECTS}", ExitCode.NOTHING_FOUND)
    end = next((row for row in projects.values() if row.root == old_root), None)
    while end is not None and end.moved_to is not None:  # it may have moved more than once
        end = projects.get(end.moved_to)
    if end is not None and end.root not in (old_root, new_root):
        first = f"First: `carryover link --undo {shell_word(old_root)}`."
        raise UserError(f"{old_root} is linked to {end.root}. Nothing was changed. {first}", ExitCode.REFUSED)


def unlink_projects(old: str) -> Done:
    """Undoes a link or a recognised move. Raises UserError (NOTHING_FOUND) if there is none."""
    old_root = _as_recorded(old)
    projects = _projects()
    if not any(is_linked(row, old_root) for row in projects):
        here_now = {row.id for row in projects if row.root == old_root}
        linked = [f"`carryover link --undo {shell_word(row.root)}`" for row in projects if row.moved_to in here_now]
        undo = f" What is linked to it is undone by its old path: {', '.join(linked)}." if linked else ""
        raise UserError(f"{old_root} is not linked to another folder.{undo}", ExitCode.NOTHING_FOUND)
    moved = written_daemonless("/unlink", {"old": old_root}, Moved, partial(unlink, old=old_root), timeout_s=_ANSWER_S)
    return Done(old=old_root, new=None, sessions=moved.sessions, notes=moved.notes)


def _as_recorded(folder: str) -> str:
    """Returns a path as the ledger has it; its last part may no longer exist, or may be a symlink by now."""
    if is_foreign(folder):
        return folder.rstrip("/")
    path = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 (resolve would follow the last part)
    return str(Path(here().canonical(path.parent), path.name))


def _projects() -> list[Whereabouts]:
    with reading(state_dir().ledger) as db:
        return whereabouts(db)
