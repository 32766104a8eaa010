"""What the distiller is told of a project.

It is asked for at each change, so it follows indexes and reads a bounded number of rows: it costs the same for a
project of one day and of one year.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Digest
from carryover.distill.view import Note, ProjectView, SessionView, Worktree
from carryover.ledger.bodies import decode_body
from carryover.ledger.folding import Line, current_digest, fold_lines
from carryover.ledger.rows import (
    LINES,
    MAX_PROVISIONAL,
    PROJECT,
    PROVISIONAL,
    SESSION,
    ProjectRow,
    SessionRow,
    records,
)

MAX_SESSIONS: Final = 20
MAX_SIDECHAINS: Final = 20
"""Sub-agents of one session that a view tells of, newest first."""
MAX_NOTES_OF_A_KIND: Final = 40
MAX_WORKTREES: Final = 20

_SESSIONS: Final = f"{SESSION} WHERE project_id = ? ORDER BY last_ms DESC, session.id DESC LIMIT ?"
_MAIN_THREAD: Final = """SELECT id, sidechain, fold_version, digest FROM thread
    WHERE session_id = ? AND sidechain = ''"""
_SIDE_THREADS: Final = """SELECT id, sidechain, fold_version, digest FROM thread
    WHERE session_id = ? AND sidechain != '' ORDER BY last_ms DESC LIMIT ?"""
_RULINGS: Final = """SELECT note.thread_id, kind, text, at_ms, weight, agent FROM note
    JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id
    WHERE note.project_id = ? AND kind = 'ruling' ORDER BY weight DESC, at_ms DESC LIMIT ?"""
_STEPS: Final = """SELECT note.thread_id, kind, text, at_ms, weight, agent FROM note
    JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id
    WHERE note.project_id = ? AND kind = 'progress' ORDER BY at_ms DESC LIMIT ?"""
_WORKTREES: Final = """SELECT root, last_event_ms FROM project
    WHERE main_root = ? ORDER BY last_event_ms DESC LIMIT ?"""

_Refolded = dict[int, tuple[Note, ...]]
"""Notes of the threads that had to be folded anew in memory, by the thread's id."""


def project_view(db: sqlite3.Connection, project_id: int) -> ProjectView:
    """What the distiller is told of one project. Raises LookupError for an id that is not in the ledger."""
    with _snapshot(db):
        project = next(records(ProjectRow, db, f"{PROJECT} WHERE id = ?", (project_id,)), None)
        if project is None:
            raise LookupError(project_id)
        refolded: _Refolded = {}
        early: list[Note] = []
        rows = list(records(SessionRow, db, _SESSIONS, (project_id, MAX_SESSIONS)))
        views = tuple(_session_view(db, row, refolded, early) for row in rows)
        former = dict.fromkeys(row.placed_root for row in rows if row.placed_root is not None)
        return ProjectView(
            root=project.root,
            former_roots=tuple(former),
            main_root=project.main_root,
            sessions=views,
            notes=_notes(db, project_id, refolded, early),
            worktrees=tuple(records(Worktree, db, _WORKTREES, (project.root, MAX_WORKTREES))),
        )


def session_digest(db: sqlite3.Connection, session: SessionRow) -> Digest:
    """The folded past of the session's main conversation; the empty digest where only sub-agents are known."""
    threads = db.execute(_MAIN_THREAD, (session.id,)).fetchall()
    return _digest(db, session, threads[0], {}) if threads else Digest()


def _session_view(db: sqlite3.Connection, row: SessionRow, refolded: _Refolded, early: list[Note]) -> SessionView:
    """The session with what was told of it before its transcript had it; `early` gets the notes that gave."""
    threads = db.execute(_MAIN_THREAD, (row.id,)).fetchall()
    threads += db.execute(_SIDE_THREADS, (row.id, MAX_SIDECHAINS)).fetchall()
    digests = {thread[1]: _digest(db, row, thread, refolded) for thread in threads}
    for sidechain, lines in _provisional(db, row).items():
        told = fold_lines(digests.get(sidechain, Digest()), lines, session=row.native_id, sidechain=sidechain)
        digests[sidechain] = told.digest
        early += (replace(note, agent=row.agent) for _, note in told.notes)
    return SessionView(
        session=row.native_id,
        agent=row.agent,
        started_ms=row.started_ms,
        last_ms=row.last_ms,
        digest=digests.pop("", Digest()),
        sidechains=tuple(digests.values())[:MAX_SIDECHAINS],
        parent=row.parent,
    )


def _provisional(db: sqlite3.Connection, session: SessionRow) -> dict[str, list[Line]]:
    """By sidechain, in order of time."""
    lines: dict[str, list[Line]] = {}
    for row_id, sidechain, at_ms, body in reversed(db.execute(PROVISIONAL, (session.id, MAX_PROVISIONAL)).fetchall()):
        # Negative, so that it is no event's.
        lines.setdefault(sidechain, []).append(Line(-row_id, at_ms, decode_body(body)))
    return lines


def _digest(
    db: sqlite3.Connection, session: SessionRow, thread: tuple[int, str, int, bytes], refolded: _Refolded
) -> Digest:
    """The thread's digest; one that another fold made is folded anew here, and `refolded` keeps what that gave."""
    thread_id, sidechain, fold_version, stored = thread
    digest = current_digest(fold_version, stored)
    if digest is not None:
        return digest
    lines = (Line(event_id, at_ms, decode_body(body)) for event_id, at_ms, body in db.execute(LINES, (thread_id,)))
    folded = fold_lines(Digest(), lines, session=session.native_id, sidechain=sidechain)
    refolded[thread_id] = tuple(replace(note, agent=session.agent) for _, note in folded.notes)
    return folded.digest


def _notes(db: sqlite3.Connection, project_id: int, refolded: _Refolded, early: list[Note]) -> tuple[Note, ...]:
    """The weightiest rulings and the newest steps. Those of a refolded thread are as its new fold gave them."""
    notes = [*early, *(note for of_thread in refolded.values() for note in of_thread)]
    for statement in (_RULINGS, _STEPS):
        for thread_id, kind, text, at_ms, weight, agent in db.execute(statement, (project_id, MAX_NOTES_OF_A_KIND)):
            if thread_id not in refolded:
                notes.append(Note(kind=kind, text=text, at_ms=at_ms, weight=weight, agent=agent))
    rulings = [note for note in notes if note.kind == "ruling"]
    steps = [note for note in notes if note.kind == "progress"]
    rulings.sort(key=lambda note: (note.weight, note.at_ms), reverse=True)
    steps.sort(key=lambda note: note.at_ms, reverse=True)
    return (*rulings[:MAX_NOTES_OF_A_KIND], *steps[:MAX_NOTES_OF_A_KIND])


@contextmanager
def _snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """All reads inside see the ledger as it was at the first of them."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
