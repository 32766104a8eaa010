"""Joins what was recorded at another path, or on another machine, to a project here; synchronises with that machine."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import now_ms, project_root
from carryover.actions.opened import ask_patiently, written
from carryover.config import load_config
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.queries import Whereabouts, reading, whereabouts
from carryover.paths import StateDir
from carryover.projects.moved_folders import is_away
from carryover.terminal.paths import quoted

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths
    from carryover.sync.rounds import Outcome

ANSWER_S: Final = 20.0
SYNC_S: Final = 7_200.0
"""Time limit for the daemon's answer: a first sync sends all that was ever recorded."""
_GIT_S: Final = 2.0
_URLS: Final = ("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$")


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was made or undone (`new` is then None). `sessions`: how many sessions changed projects."""

    old: str
    new: str | None
    sessions: int


class _Said(msgspec.Struct, frozen=True):
    text: str = ""
    error: tuple[str, ExitCode] | None = None


def link_projects(state: StateDir, old: str, new: str) -> Done:
    """Moves what was recorded at `old` to `new`. Raises UserError if `old` still exists, is unknown or is `new`."""
    from carryover.ledger.sessions import Moved
    from carryover.publish.project_moves import link

    old_root, new_root = _as_recorded(old), project_root(new)
    if old_root == new_root:
        raise UserError("OLD and NEW are the same folder.", ExitCode.USAGE)
    if not is_away(old_root):
        stay = "so its sessions stay with it. Move or remove it first."
        raise UserError(f"{old_root} still exists, {stay}", ExitCode.REFUSED)
    if not is_folder(Path(new_root)):
        raise UserError(f"There is no folder {new_root}.", ExitCode.NOTHING_FOUND)
    known = _known(state)
    if not any(f"{row.root}/".startswith(f"{old_root.rstrip('/')}/") for row in known):
        listed = "`carryover sessions --all` lists the projects that are known."
        raise UserError(f"Nothing is recorded for {old_root}. {listed}", ExitCode.NOTHING_FOUND)
    rows = {row.id: row for row in known}
    end = next((row for row in known if row.root == old_root), None)
    while end is not None and end.moved_to is not None:  # it may have moved more than once
        end = rows.get(end.moved_to)
    if end is not None and end.root not in (old_root, new_root):
        first = f"First: `carryover link --undo {quoted(old_root)}`."
        raise UserError(f"{old_root} is linked to {end.root}. Nothing was changed. {first}", ExitCode.REFUSED)
    target = f"/link?{urlencode({'old': old_root, 'new': new_root})}"
    here = partial(link, old=old_root, new=new_root, now_ms=now_ms())
    moved = written(target, Moved, here, timeout_s=ANSWER_S)
    return Done(old=old_root, new=new_root, sessions=moved.sessions)


def unlink_projects(state: StateDir, old: str) -> Done:
    """Undoes a link or a recognised move. Raises UserError (NOTHING_FOUND) if there is none."""
    from carryover.ledger.sessions import Moved
    from carryover.publish.project_moves import is_linked, unlink

    old_root = _as_recorded(old)
    if not any(is_linked(row, old_root) for row in _known(state)):
        raise UserError(f"{old_root} is not linked to another folder.", ExitCode.NOTHING_FOUND)
    config = load_config(state.config)
    target = f"/unlink?{urlencode({'old': old_root})}"
    moved = written(target, Moved, partial(unlink, old=old_root, config=config), timeout_s=ANSWER_S)
    return Done(old=old_root, new=None, sessions=moved.sessions)


def _as_recorded(folder: str) -> str:
    """Returns a path as the ledger has it; its last part may no longer exist, or may be a symlink by now."""
    if is_foreign(folder):
        return folder.rstrip("/")
    path = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 (resolve would follow the last part)
    return str(Path(os.path.realpath(path.parent)) / path.name)


def _known(state: StateDir) -> list[Whereabouts]:
    with reading(state.ledger) as db:
        return whereabouts(db)


def sync_once(state: StateDir) -> Outcome:
    """Reads what is new on disk and synchronises once. Raises UserError if that ends early; nothing is lost then."""
    import asyncio

    from carryover.sync.rounds import Outcome, synchronise

    if state.paused.exists():
        raise UserError(
            "Carryover is paused, so nothing was synchronised. `carryover unpause` ends that.", ExitCode.REFUSED
        )

    async def here(ledger: Ledger, paths: StatePaths) -> Outcome:
        from carryover.actions.without_daemon import read_new

        await read_new(ledger, state)
        return await synchronise(state, ledger, paths, now_ms=now_ms, in_thread=asyncio.to_thread)

    ask_patiently(state, "/settle", timeout_s=SYNC_S)
    done = written("/sync", Outcome, here, timeout_s=SYNC_S)
    if done.error is not None:
        raise UserError(*done.error)
    return done


def allow(folder: str | None) -> str:
    """Joins other machines' projects with the same one at `folder`. Returns what that means as a sentence."""
    from carryover.sync import clones

    root = project_root(folder, must_exist=True)

    return _said(f"/sync/allow?{urlencode({'root': root})}", partial(clones.allow, folder=root))


def end(*, forget: bool) -> None:
    """Has the ledger no longer note what changes; with `forget`, removes what came from other machines."""
    from carryover.publish.forgetting import forget_here
    from carryover.sync import clones

    async def here(ledger: Ledger, paths: StatePaths) -> None:
        await clones.end(ledger, partial(forget_here, ledger, paths) if forget else None)

    _said(f"/sync/end{'?forget=1' if forget else ''}", here)


def _said(target: str, do: Callable[[Ledger, StatePaths], Awaitable[str | None]]) -> str:
    async def here(ledger: Ledger, paths: StatePaths) -> _Said:
        return _Said(await do(ledger, paths) or "")

    answer = written(target, _Said, here, timeout_s=SYNC_S)
    if answer.error is not None:
        raise UserError(*answer.error)
    return answer.text


def remotes_of_projects(state: StateDir) -> dict[str, list[str]]:
    """Returns the remotes of each known project that is on this machine, and of the one that the command runs in."""
    roots = {project_root(None)}
    if state.ledger.exists():
        roots |= {row.root for row in _known(state) if row.root.startswith("/")}
    remotes = {root: _remotes(Path(root)) for root in sorted(roots)}
    return {root: addresses for root, addresses in remotes.items() if addresses is not None}


def _remotes(root: Path) -> list[str] | None:
    from carryover.probe.git_command import ask
    from carryover.probe.looks import look_at

    try:
        if not look_at(root, partial(is_folder, root)):
            return None
        [answer] = look_at(root, lambda: ask(root, _URLS, deadline=time.monotonic() + _GIT_S))
    except FileNotFoundError:
        return []
    except TimeoutError as error:
        raise UserError(
            f"git did not say in time which remotes the project {root} has. Nothing was changed. Try again."
        ) from error
    entries = answer.out.decode(errors="surrogateescape").split("\0")
    return [address for entry in entries if (address := entry.partition("\n")[2])]
