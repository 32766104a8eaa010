"""Joins another machine's project with the same one here, once the user has allowed it. Before that, no handoff
contains any of it.

The mechanism is that of moved projects, so `carryover link --undo` undoes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.config import load_config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import end_log
from carryover.ledger.queries import Selection, Whereabouts, whereabouts
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.probe.git_command import ask
from carryover.probe.looks import look_at
from carryover.projects.moved_folders import FIRST_COMMIT, REMOTES
from carryover.sync.address import normalised
from carryover.sync.payload import SyncedProject
from carryover.terminal.paths import quoted

if TYPE_CHECKING:
    from carryover.projects.root import StatePaths
    from carryover.publish.forgetting import Erased

_GIT_S: Final = 2.0
_MOST_REMOTES: Final = 20
_LONGEST: Final = 4_096


async def end(ledger: Ledger, forget: Callable[[Sequence[Selection]], Awaitable[Erased]] | None) -> None:
    """Stops recording changes for other machines, and removes with `forget` what came from them. Raises UserError."""
    await ledger.write(end_log)
    if forget is None:
        return
    theirs = await ledger.foreign_sessions()
    each = [Selection(agent=agent, session=session, for_good=False) for agent, session in theirs]
    if not each:
        return
    erased = await forget(each)
    if erased.problems:
        raise UserError(f"Synchronising has ended, but not all could be forgotten. {' '.join(erased.problems)}")


async def allow(ledger: Ledger, paths: StatePaths, folder: str) -> str:
    """Joins the project at `folder` with the same one of other machines; returns what was done. Raises UserError:
    NOTHING_FOUND if there is none, REFUSED if the project is excluded.
    """
    from carryover.publish.project_moves import link

    root = (await asyncio.to_thread(paths.root_of, folder)).root
    chosen = [row.root for row in await asyncio.to_thread(_same, root, paths)]
    # The link brings along what lies below it, each with the same place here.
    moved = [await link(ledger, paths, one, root, now_ms=0) for one in chosen]
    sessions = sum(one.sessions for one in moved)
    what = "1 session counts" if sessions == 1 else f"{sessions} sessions count"
    return (
        f"{what} for {root} from now on: those of {', '.join(chosen)}. "
        f"`carryover link --undo {quoted(chosen[0])}` reverts that."
    )


def _same(root: str, paths: StatePaths) -> list[Whereabouts]:
    if not root.startswith("/") or not is_folder(Path(root)):
        raise UserError(f"There is no folder {root}. Nothing was changed.", ExitCode.NOTHING_FOUND)
    excluded = project_settings(Path(root), load_config(StateDir(paths.state).config)).excluded
    if excluded is not None:
        raise UserError(f"{root} is left out of Carryover: excluded by {excluded}.", ExitCode.REFUSED)
    with closing(connect_read_only(paths.ledger)) as db:
        known = [row for row in whereabouts(db) if is_foreign(row.root)]
    same = same_projects(root, known)
    others = [row.root for row in known if row.moved_to is None and row.has_sessions]
    if not others:
        raise UserError("No project of another machine waits to be allowed.", ExitCode.NOTHING_FOUND)
    if not same:
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        raise UserError(
            f"No project of another machine has the first commit and a remote of {root}. If one of these is the same "
            f"project, `carryover link {quoted(others[0])} {quoted(root)}` joins them: {shown}.",
            ExitCode.NOTHING_FOUND,
        )
    return same


def repository_of(root: str) -> SyncedProject:
    """Returns the project at `root`, with what identifies its repository unless there is none or git is slow."""
    folder = Path(root)
    try:
        if not look_at(folder, partial(is_folder, folder)):
            return SyncedProject(root=root)
        deadline = time.monotonic() + _GIT_S
        first, remotes = look_at(folder, partial(ask, folder, FIRST_COMMIT, REMOTES, deadline=deadline))
    except OSError:
        return SyncedProject(root=root)
    if first.code != 0 or not first.out.strip():
        return SyncedProject(root=root)
    urls = (entry.partition(b"\n")[2].decode("utf-8", "replace") for entry in remotes.out.split(b"\0"))
    known = sorted({normalised(url) for url in urls if url.strip()})
    return SyncedProject(
        root=root,
        first_commit=first.out.split()[0].decode("ascii", "replace"),
        remotes=tuple(url for url in known if len(url) <= _LONGEST)[:_MOST_REMOTES],
    )


def same_projects(root: str, known: Iterable[Whereabouts]) -> list[Whereabouts]:
    """Returns other machines' projects that are clones of the repository at `root` and are not joined yet. Blocking.
    Clones of one repository have the same first commit and a remote in common.
    """
    waiting: list[tuple[Whereabouts, SyncedProject]] = []
    for row in known:
        if is_foreign(row.root) and row.moved_to is None and row.identity is not None:
            with suppress(msgspec.MsgspecError, UnicodeError):
                waiting.append((row, msgspec.json.decode(row.identity, type=SyncedProject)))
    here = repository_of(root) if waiting else SyncedProject(root)
    return [
        row
        for row, other in waiting
        if here.first_commit is not None
        and here.first_commit == other.first_commit
        and not set(here.remotes).isdisjoint(other.remotes)
    ]
