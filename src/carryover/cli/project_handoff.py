"""The handoff of a project as things are now: from the ledger, brought up to date first, or straight from disk."""

from __future__ import annotations

import glob
import shlex
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from carryover.cli.context import agents_own, state_dir
from carryover.config import Config, load_config, project_settings, settings_now
from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder
from carryover.ledger.queries import connect_read_only, whereabouts
from carryover.paths import StateDir
from carryover.publish.moved_folders import roots_that_may_be_here
from carryover.publish.refresh import Refreshed, made_handoff

if TYPE_CHECKING:
    from carryover.cli.choose_session import Choose

SETTLE_LIMIT_S: Final = 3.0
"""How long a running daemon may take to read what is new; after that its ledger is used as it is."""

_STILL_READING: Final = "carryoverd is still reading; this is what it knows so far."
_PAUSED: Final = "Carryover is paused; this is what it recorded before. `carryover unpause` ends that."


def handoff_of_project(root: str, choose: Choose | None = None) -> Refreshed:
    """The handoff of the project at `root` as things are now, with its text; nothing is written into the project.

    `choose` says which session's work leads; without it, that of the newest.

    While Carryover is paused nothing is read for it: it is that of what is recorded.

    Raises UserError: NOTHING_FOUND where no agent worked there or nothing it did is worth handing over, REFUSED where
    the project is excluded, or Carryover paused before anything was recorded.
    """
    state = state_dir()
    config = load_config(state.config)
    excluded = project_settings(Path(root), config).excluded
    if excluded:
        by_name = glob.escape(root) in config.projects.exclude  # as `carryover pause` leaves it out
        what_next = f" `carryover unpause {shlex.quote(root)}` includes it again." if by_name else ""
        raise UserError(f"{root} is left out of Carryover: excluded by {excluded}.{what_next}", ExitCode.REFUSED)
    paused, made, complete = state.paused.exists(), None, False
    if state.ledger.exists():
        complete = not paused and bring_up_to_date(state, root)
        made = _from_ledger(state, root, config, choose)
    if made is None and not complete:
        made = _from_disk(state, root, config, choose)
    if made is not None and paused:
        print(_PAUSED, file=sys.stderr)
    how_to_link = _how_to_link(state, root, found=made is not None)
    if made is None:
        raise _nothing_found(root, how_to_link)
    if how_to_link is not None:
        print(how_to_link, file=sys.stderr)
    return made


def bring_up_to_date(state: StateDir, root: str) -> bool:
    """The running daemon reads what is new; where none runs, we do, for this project. False where that is not all."""
    from carryover.daemon.client import ask_daemon

    try:
        settled = ask_daemon(state.socket, "POST", f"/settle?{urlencode({'root': root})}", timeout_s=SETTLE_LIMIT_S)
    except TimeoutError:
        print(_STILL_READING, file=sys.stderr)
        return False
    if settled is not None:
        if not settled["caught_up"]:
            print(_STILL_READING, file=sys.stderr)
        with suppress(UserError, TimeoutError):  # an older daemon does not know the question
            ask_daemon(state.socket, "POST", f"/follow?{urlencode({'root': root})}", timeout_s=SETTLE_LIMIT_S)
        return bool(settled["caught_up"])
    from carryover.cli.nothing_new import nothing_new

    if nothing_new(state, root):
        return True
    from carryover.cli.from_disk import catch_up

    trouble = catch_up(state, root)
    if trouble is not None:
        print(f"{trouble} This is what the ledger holds so far.", file=sys.stderr)
    return trouble is None


def _from_ledger(state: StateDir, root: str, config: Config, choose: Choose | None) -> Refreshed | None:
    from carryover.ledger.queries import connect_read_only

    with closing(connect_read_only(state.ledger)) as ledger:
        return _made(ledger, root, config, choose)


def _from_disk(state: StateDir, root: str, config: Config, choose: Choose | None) -> Refreshed | None:
    from carryover.agents import adapters
    from carryover.cli.from_disk import of_project, sources_on_disk, temporary_ledger, tombstones_of

    seen = sources_on_disk(settings_now(state), [Path(root)])
    with temporary_ledger(of_project(seen, {root}), adapters(), tombstones=tombstones_of(state)) as ledger:
        return _made(ledger, root, config, choose)


def _made(ledger: sqlite3.Connection, root: str, config: Config, choose: Choose | None) -> Refreshed | None:
    """None where the ledger does not know the project."""
    from carryover.ledger.queries import project_by_root

    project = project_by_root(ledger, root)
    if project is None:
        return None
    own = choose(ledger, project.id) if choose is not None else None
    found = made_handoff(
        ledger, project.id, config, now_ms=int(time.time() * 1000), agents_own=agents_own(config.agents), own=own
    )
    if own is not None and found.text is None:
        raise UserError(
            f"Session {own} has nothing to hand over, or is too old for it. `carryover show {own}` prints it.",
            ExitCode.NOTHING_FOUND,
        )
    if found.handoff is None or found.text is None:
        raise UserError(
            f"Agents have worked in {root}, but no session there has anything to hand over yet. "
            f"`carryover sessions {shlex.quote(root)}` lists them.",
            ExitCode.NOTHING_FOUND,
        )
    return found


def _how_to_link(state: StateDir, root: str, *, found: bool) -> str | None:
    """A project that was moved and could not be found again may be what is missing here."""
    if not state.ledger.exists():
        return None

    return how_to_link(state, root, by_name=not found)


def _nothing_found(root: str, how_to_link: str | None) -> UserError:
    if how_to_link is None:
        how_to_link = "If it was moved or renamed, `carryover link OLD NEW` brings along what was recorded before."
    return UserError(
        f"No agent's work is recorded for {root}. `carryover sessions --all` lists the projects that are known; "
        f"`carryover status` says which agents are watched, and where. {how_to_link}",
        ExitCode.NOTHING_FOUND,
    )


MOST_SUGGESTED: Final = 3


def suggestions(state: StateDir, root: str, *, by_name: bool) -> list[str]:
    """Roots of gone projects that may be the one at `root` now, likeliest first: those of the same repository and, with
    `by_name`, those whose folders were called the same."""
    if not state.ledger.exists() or not is_folder(Path(root)):
        return []
    with closing(connect_read_only(state.ledger)) as db:
        known = whereabouts(db)
    return roots_that_may_be_here(known, root, by_name=by_name)[:MOST_SUGGESTED]


def how_to_link(state: StateDir, root: str, *, by_name: bool) -> str | None:
    """The command by which the past of a project that was moved to `root` comes along, where one may have been."""
    found = suggestions(state, root, by_name=by_name)
    if not found:
        return None
    commands = " or ".join(f"`carryover link {shlex.quote(old)} {shlex.quote(root)}`" for old in found)
    return f"If this project was moved here, {commands} brings along what was recorded."
