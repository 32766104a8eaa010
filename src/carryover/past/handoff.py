"""The current handoff of a project, for all commands.

    current_handoff(WantedHandoff(root="/home/ada/shop")).text
    current_handoff(WantedHandoff(root="/home/ada/shop", session="last", tokens=8000)).sections

A running daemon makes it, since it has loaded what that needs, which takes longer than the rest of the command. Where
none answers, the same function (`hand_over`) makes it here.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.agents import adapters
from carryover.clock import utc_now_ms
from carryover.config import Config, project_settings, refuse_excluded
from carryover.daemon.client import HANDOFF_S, DaemonHangs, ask_daemon
from carryover.errors import ExitCode, UserError
from carryover.past.context import (
    HANGS,
    KNOWN_PROJECTS,
    known_places,
    no_such_folder,
    root_of,
    settings_to_print,
    state_dir,
    warn_if_paused,
    warn_once,
)
from carryover.publish.handoff_json import LineRecord, PrintedHandoff, WantedHandoff
from carryover.terminal.paths import shell_word

if TYPE_CHECKING:
    from carryover.publish.make import MadeHandoff

__all__ = ["LineRecord", "PrintedHandoff", "WantedHandoff"]

_MOST_NEAR: Final = 3


def current_handoff(wanted: WantedHandoff) -> PrintedHandoff:
    """Returns the current handoff of a project; nothing is written there. While Carryover is paused, nothing is read.

    Raises UserError: NOTHING_FOUND if there is nothing to hand over, REFUSED if the project is excluded, or if
    Carryover was paused before anything was recorded.
    """
    is_at_work = True
    try:
        made = _of_daemon(wanted)
    except DaemonHangs:
        made, is_at_work = None, False
        warn_once(HANGS)
    if made is None:
        from carryover.publish.printed import printed

        return printed(handoff_here(wanted, fresh=is_at_work))
    for note in made.notes or ():
        warn_once(note)
    return msgspec.structs.replace(made, notes=msgspec.UNSET)


def _of_daemon(wanted: WantedHandoff) -> PrintedHandoff | None:
    """Returns what the daemon made; None while Carryover is paused, if no daemon runs, it is another version's, it
    takes too long, or there is none, of which the command finds out why. Raises DaemonHangs."""
    state = state_dir()
    if state.paused.exists():
        return None
    query = msgspec.to_builtins(wanted)
    try:
        answer = ask_daemon(state.socket, "POST", "/handoff", query, timeout_s=HANDOFF_S, gives_up=True)
        return msgspec.convert(answer, PrintedHandoff | None)
    except DaemonHangs:
        raise
    except (UserError, TimeoutError, msgspec.ValidationError):
        return None


def handoff_here(wanted: WantedHandoff, *, to_put: bool = False, fresh: bool = True) -> MadeHandoff:
    """Makes what `current_handoff` returns in this process, with what publishing it needs; its handoff and text are
    there. `to_put`: it is put into the project next, or else refused, which says why; so that is not said here.
    `fresh`: new records are read first, which only a daemon at work, or none, lets happen."""
    from carryover.past.opened import Want, opened
    from carryover.publish.printed import hand_over, notes_on

    root, config = wanted.root, settings_to_print()
    refuse_excluded(root, config)
    for recorded_at in filter(None, (root, root_of(root).main_root)):
        with opened(Want.FRESH if fresh else Want.RECORDED, recorded_at) as (ledger, _):
            made = hand_over(wanted, ledger, recorded_at, config, now_ms=utc_now_ms(), to_put=to_put)
        if made is not None:
            break
    else:
        raise _nothing_found(root, config)
    if not to_put:
        warn_if_paused()
    for note in notes_on(msgspec.structs.replace(made, refused=None) if to_put else made, known_places()):
        warn_once(note)
    return made


def _nothing_found(root: str, config: Config) -> UserError:
    from carryover.projects.moved_folders import how_to_link, may_have_moved

    known = known_places()
    link = how_to_link(known, root, has_work=False)
    if link is None and any(may_have_moved(row, root) for row in known):
        link = "If it was moved or renamed, `carryover link OLD NEW` brings along what was recorded before."
    if (gone := no_such_folder(root)) is not None:
        return UserError(" ".join(filter(None, (gone, KNOWN_PROJECTS, link))), ExitCode.NOTHING_FOUND)
    nothing = f"No agent's work is recorded for {root}. {_not_read_in(root)}{_near(root, config)}{KNOWN_PROJECTS}"
    watched = "`carryover status` says which agents are watched, and where."
    return UserError(" ".join(filter(None, (nothing, watched, link))), ExitCode.NOTHING_FOUND)


def _near(root: str, config: Config) -> str:
    """Names the newest projects with work below the folder, such as submodules, and other worktrees of the repository,
    which may have no main checkout. One that is excluded has no handoff."""
    from carryover.ledger.connect import is_made, reading
    from carryover.ledger.queries import projects
    from carryover.probe.checkout import Checkout

    ledger, below = state_dir().ledger, f"{root.rstrip('/')}/"
    if not is_made(ledger):
        return ""
    others = set(map(str, Checkout(Path(root)).others))
    with reading(ledger) as db:
        known = [(row.root, row.main_root) for row in projects(db)]
    near = [one for one, main in known if main == root or one in others or one.startswith(below)]
    included = [*islice((one for one in near if not project_settings(Path(one), config).excluded), _MOST_NEAR)]
    where = "subfolders" if all(one.startswith(below) for one in included) else "subfolders or other worktrees"
    named = ", ".join(f"`carryover handoff {shell_word(one)}`" for one in included)
    return f"There is work in its {where}: {named}. " if named else ""


def _not_read_in(root: str) -> str:
    """Says which transcripts in the project are not read, and why."""
    from carryover.ingest.scan import others_sources

    agents = (agent for agent in adapters().values() if agent.in_projects)
    unread = (source for agent in agents for source in others_sources(agent, Path(root)))
    return "".join(
        f"{Path(source.path).name} there is not read: {reason}. "
        f"If it is yours: `carryover import {shell_word(source.path)}`. "
        for source, reason in unread
    )
