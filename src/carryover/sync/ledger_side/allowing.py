"""Joins another machine's project with the same one here, once the user has allowed it.

Until then nothing of it is in a handoff. The mechanism is that of moved projects, so `carryover link --undo` undoes it.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from carryover.config import load_config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import end_log
from carryover.ledger.queries import Selection, Whereabouts, whereabouts
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.publish.project_moves import link
from carryover.sync.ledger_side.repositories import same_projects
from carryover.text.shell import quoted


async def end(ledger: Ledger, *, forget: bool) -> None:
    """Ends the log of what others have to be told; with `forget`, drops the sessions of other machines too."""
    await ledger.write(end_log)
    for agent, session in await ledger.foreign_sessions() if forget else ():
        await ledger.forget(Selection(agent=agent, session=session, for_good=False), now_ms=0)


async def allow(ledger: Ledger, paths: StatePaths, folder: str) -> str:
    """Joins the project at `folder` with the same one of other machines; returns what was done.

    Raises UserError: NOTHING_FOUND if there is none, REFUSED if the project is excluded.
    """
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
