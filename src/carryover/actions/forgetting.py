"""Forgets sessions, or a time, in everything that is kept: first says what goes, then removes it."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.fsio import sweep_scratch, temporary_files
from carryover.ledger.connect import copies, is_made, reading
from carryover.ledger.queries import Selection, selected_sessions
from carryover.model import NOTE, conversation_of
from carryover.past.context import project_root, state_dir
from carryover.past.opened import session_named, written_daemonless
from carryover.past.sessions import listed
from carryover.past.types import Session
from carryover.publish.forgetting import Erased, forget_here

_ANSWER_S: Final = 300.0
"""Time limit for the daemon's answer; rewriting a large ledger without the deleted rows takes a while."""


class WhatGoes(msgspec.Struct, frozen=True, kw_only=True):
    """What goes if it is forgotten now."""

    selection: Selection
    sessions: int
    """How many sessions lose something, with notes and pins."""
    notes: int
    """How many of them are notes and pins."""
    newest: list[Session]
    copies: list[Path]
    """The copies of the ledger, which go as a whole."""


def plan_forgetting(
    *, session: str | None, project: str | None, since_ms: int | None, until_ms: int | None, most: int
) -> WhatGoes:
    """Returns what goes of `session` (its id, the beginning of one, or `last`), or of the project that a folder is in,
    or without both of everything, from `since_ms` until `until_ms` (UTC ms). Lists the newest `most` sessions.

    Only reads. Raises UserError (NOTHING_FOUND) if nothing would go.
    """
    state = state_dir()
    if not (is_made(state.ledger) or copies(state.ledger)):
        raise UserError("Nothing is recorded yet, so nothing was changed.", ExitCode.NOTHING_FOUND)
    selection = Selection(since_ms=since_ms, until_ms=until_ms)
    if project is not None:
        root = project_root(project, elsewhere=True)
        selection = msgspec.structs.replace(selection, root=root)
    with reading(state.ledger) as ledger:
        if session is not None:
            selection = _of_session(session, selection, ledger)
        rows = selected_sessions(ledger, selection, now_ms=utc_now_ms())
        newest = listed(ledger, rows[:most])
    ledger_copies = copies(state.ledger)
    if not rows and not (selection.is_everything and ledger_copies):
        raise UserError(
            "Nothing that is recorded matches, so nothing was changed. `carryover sessions --all` lists all sessions.",
            ExitCode.NOTHING_FOUND,
        )
    notes = sum(row.agent == NOTE for row in rows)
    return WhatGoes(selection=selection, sessions=len(rows), notes=notes, newest=newest, copies=ledger_copies)


def forget_planned(plan: WhatGoes, *, answer_s: float = _ANSWER_S) -> Erased:
    """Asks the running daemon to forget, since it writes the ledger; if none runs, does it in this process.

    Removes what interrupted commands have left too, as it may hold the same.
    """
    sweep_scratch(state_dir().root, temporary_files())
    query = {"selection": msgspec.json.encode(plan.selection).decode()}
    do = partial(forget_here, selection=plan.selection)
    return written_daemonless("/forget", query, Erased, do, timeout_s=answer_s)


def _of_session(name: str, span: Selection, ledger: sqlite3.Connection) -> Selection:
    row = session_named(ledger, name)
    is_whole = row.native_id == conversation_of(row.native_id)
    which = {"conversation" if is_whole else "session": row.native_id}
    return msgspec.structs.replace(span, agent=row.agent, **which)
