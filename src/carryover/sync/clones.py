"""Recognises other machines' projects that are clones of one here. Until the user joins them (`carryover link`), no
handoff contains any of them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.decoders import decoder_of
from carryover.errors import UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.machines import end_log
from carryover.ledger.queries import Selection
from carryover.ledger.rows import Whereabouts
from carryover.ledger.store import Ledger
from carryover.probe.git_command import ask
from carryover.probe.looks import look_at
from carryover.projects.moved_folders import FIRST_COMMIT, REMOTES
from carryover.sync.address import normalised
from carryover.sync.payload import SyncedProject

if TYPE_CHECKING:
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
                waiting.append((row, decoder_of(SyncedProject).decode(row.identity)))
    here = repository_of(root) if waiting else SyncedProject(root)
    return [
        row
        for row, other in waiting
        if here.first_commit is not None
        and here.first_commit == other.first_commit
        and not set(here.remotes).isdisjoint(other.remotes)
    ]
