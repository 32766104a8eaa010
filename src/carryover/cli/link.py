"""`carryover link`: what was recorded at a project's old path belongs to its new one, because the user says so."""

from __future__ import annotations

import argparse
import os
import shlex
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from carryover.cli.arguments import describe
from carryover.cli.context import project_root, state_dir
from carryover.cli.ledger_writer import as_writer
from carryover.cli.output import counted, print_json
from carryover.config import load_config
from carryover.daemon.client import ask_daemon
from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder
from carryover.ledger.queries import Whereabouts, connect_read_only, whereabouts
from carryover.paths import StateDir
from carryover.projects.moved_folders import is_away

if TYPE_CHECKING:
    from carryover.ledger.moves import Moved
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths

DESCRIPTION: Final = """\
Tells Carryover that the project at NEW is the one that was at OLD: sessions
recorded at OLD and below it count for NEW's handoff from now on. Nothing is
copied, and --undo reverts it. A repository that was renamed or moved while
Carryover knew it is found without this; use this for what cannot be detected,
such as a folder that was moved to another disk. While there is a folder at OLD
nothing is linked: a second clone has another history."""

EXAMPLES: Final = """\
examples:
  carryover link ~/code/shop ~/work/store     ~/code/shop is ~/work/store now
  carryover link --undo ~/code/shop           it is not; keep the two apart
"""

ANSWER_S: Final = 20.0


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was linked, or no longer is (`new` is None). `sessions`: how many belong to another project now."""

    old: str
    new: str | None
    sessions: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help and the arguments of `carryover link`."""
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("old", metavar="OLD", help="the project's former folder, which is gone")
    parser.add_argument("new", metavar="NEW", nargs="?", help="its folder now")
    parser.add_argument("--undo", action="store_true", help="give the sessions recorded at OLD back to it")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs `carryover link`; returns the exit code."""
    if (args.new is None) != args.undo:
        raise UserError("Give OLD and NEW, or --undo and OLD.", ExitCode.USAGE)
    done = unlink_projects(state_dir(), args.old) if args.undo else link_projects(state_dir(), args.old, args.new)
    if args.json:
        print_json(done)
        return ExitCode.OK
    sessions = counted(done.sessions, "session")
    old, new = shlex.quote(done.old), shlex.quote(done.new or "")
    if args.undo:
        print(f"{sessions} recorded at {old} belong{_s(done.sessions)} to it again. It is no longer linked.")
    elif done.sessions:
        print(f"{sessions} recorded at {old} belong{_s(done.sessions)} to {new} now.")
        print(f"`carryover link --undo {old}` reverts that.")
    else:
        print(f"{old} is linked to {new} already.")
    return ExitCode.OK


def _s(number: int) -> str:
    return "s" if number == 1 else ""


def link_projects(state: StateDir, old: str, new: str) -> Done:
    """Let what was recorded at `old` belong to the project at `new`.

    Raises UserError: REFUSED while the old folder is there, NOTHING_FOUND where nothing is recorded there or the new
    folder is missing, USAGE where both are one.
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
        state, f"/link?{query}", lambda ledger, paths: link(ledger, paths, old_root, new_root, now_ms=_now_ms())
    )
    return Done(old=old_root, new=new_root, sessions=sessions)


def unlink_projects(state: StateDir, old: str) -> Done:
    """Undo a link, or what was found without one. Raises UserError (NOTHING_FOUND) where there is none."""
    from carryover.publish.project_moves import is_linked, unlink

    old_root = _as_recorded(old)
    if not any(is_linked(row, old_root) for row in _known(state)):
        raise UserError(f"{old_root} is not linked to another folder.", ExitCode.NOTHING_FOUND)
    query = urlencode({"old": old_root})
    config = load_config(state.config)
    sessions = _ask_or_do(state, f"/unlink?{query}", lambda ledger, paths: unlink(ledger, paths, old_root, config))
    return Done(old=old_root, new=None, sessions=sessions)


def _ask_or_do(state: StateDir, target: str, do: Callable[[Ledger, StatePaths], Awaitable[Moved]]) -> int:
    """How many sessions were moved by the daemon or, where none runs, by `do`."""
    answer = ask_daemon(state.socket, "POST", target, timeout_s=ANSWER_S)
    if answer is not None:
        return int(answer["sessions"])
    return as_writer(state, lambda: _do(state, do))


async def _do(state: StateDir, do: Callable[[Ledger, StatePaths], Awaitable[Moved]]) -> int:
    from carryover.cli.from_disk import place_of
    from carryover.distill.stored_digest import DigestReducer
    from carryover.ledger.store import Ledger

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


def _nothing_at(root: str) -> UserError:
    return UserError(
        f"Nothing is recorded for {root}. `carryover sessions --all` lists the projects that are known.",
        ExitCode.NOTHING_FOUND,
    )


def _now_ms() -> int:
    return int(time.time() * 1000)
