"""Forgets sessions, or a time, in everything that is kept: first says what goes, then removes it."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.fsio import sweep_scratch, temporary_files
from carryover.ledger.connect import copies
from carryover.ledger.queries import Selection, reading, selected_sessions
from carryover.model import conversation_of
from carryover.past.context import now_ms, project_root, state_dir
from carryover.past.opened import join_spellings, session_named, written
from carryover.past.sessions import listed
from carryover.past.types import Session
from carryover.publish.forgetting import Erased, forget_here

ANSWER_S: Final = 300.0
"""Time limit for the daemon's answer; rewriting a large ledger without the deleted rows takes a while."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to forget. Without session and project: everything. Times are UTC ms."""

    session: str | None = None
    """Its id, the beginning of one, or `last`."""
    project: str | None = None
    """A folder of the project."""
    since_ms: int | None = None
    until_ms: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What goes if it is forgotten now."""

    selection: Selection
    sessions: int
    """How many sessions lose something."""
    newest: list[Session]
    copies: list[Path]
    """The copies of the ledger, which go as a whole."""

    @property
    def in_part(self) -> bool:
        """Whether only what happened in some time is forgotten of each session."""
        return self.selection.in_part

    @property
    def since_ms(self) -> int | None:
        """Its beginning (UTC ms)."""
        return self.selection.since_ms

    @property
    def until_ms(self) -> int | None:
        """Its end (UTC ms)."""
        return self.selection.until_ms


def plan_forgetting(asked: Asked, *, most: int) -> Plan:
    """Returns what `asked` means, with the newest `most` sessions. Only reads, except that it joins
    what was recorded by other spellings.

    Raises UserError (NOTHING_FOUND) if nothing would go.
    """
    state = state_dir()
    now = now_ms()
    root = project_root(asked.project, elsewhere=True) if asked.project is not None else None
    if root is not None:
        join_spellings(state, root)
    with reading(state.ledger) as ledger:
        selection = _selection(asked, root, ledger)
        rows = selected_sessions(ledger, selection, now_ms=now)
        newest = listed(ledger, rows[:most])
    ledger_copies = copies(state.ledger)
    if not rows and not (selection.is_everything and ledger_copies):
        raise UserError(
            "Nothing that is recorded matches, so nothing was changed. `carryover sessions --all` lists all sessions.",
            ExitCode.NOTHING_FOUND,
        )
    return Plan(selection=selection, sessions=len(rows), newest=newest, copies=ledger_copies)


def forget(plan: Plan) -> Erased:
    """Asks the running daemon to forget, since it writes the ledger; if none runs, does it in this process.

    Removes what interrupted commands have left too, as it may hold the same.
    """
    sweep_scratch(state_dir().root, temporary_files())
    target = f"/forget?{urlencode({'selection': msgspec.json.encode(plan.selection).decode()})}"
    return written(target, Erased, partial(forget_here, each=[plan.selection]), timeout_s=ANSWER_S)


def _selection(asked: Asked, root: str | None, ledger: sqlite3.Connection) -> Selection:
    span = Selection(since_ms=asked.since_ms, until_ms=asked.until_ms)
    if root is not None:
        return msgspec.structs.replace(span, root=root)
    if asked.session is None:
        return span
    found = session_named(ledger, asked.session)
    is_whole = found.native_id == conversation_of(found.native_id)
    which = {"conversation" if is_whole else "session": found.native_id}
    return msgspec.structs.replace(span, agent=found.agent, **which)
