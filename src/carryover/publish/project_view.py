"""The distiller's view of a project, made of what the ledger holds. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import islice
from typing import Final, Literal

from msgspec.structs import replace

from carryover.distill.digest import Digest
from carryover.distill.stored_digest import decode_digest, fold_events
from carryover.distill.view import Note, Opinion, ProjectView, SessionView, Worktree
from carryover.ledger.project_content import (
    NoteRow,
    ThreadRow,
    main_thread,
    newest_notes,
    provisional_bodies,
    snapshot,
    stored_bodies,
    sub_agent_threads,
    weightiest_notes,
    worktrees,
)
from carryover.ledger.queries import project_by_id, sessions, work_sessions
from carryover.ledger.rows import SessionRow, StoredBody
from carryover.model import NOTE

MAX_SESSIONS: Final = 20
MAX_SUBAGENTS: Final = 20
"""Sub-agents of one session that a view holds, newest first."""
MAX_NOTES_OF_A_KIND: Final = 40
MAX_WORKTREES: Final = 20
MAX_OPINIONS: Final = 2

_Refolded = dict[int, tuple[Note, ...]]
"""Notes of the threads that had to be folded again in memory, by the thread's id."""


class UnknownProject(LookupError):
    """The ledger has no project with this id: it was forgotten."""


def project_view(db: sqlite3.Connection, project_id: int) -> ProjectView:
    """The distiller's view of one project. Raises UnknownProject for an id that is not in the ledger."""
    with snapshot(db):
        project = project_by_id(db, project_id)
        if project is None:
            raise UnknownProject(project_id)
        refolded: _Refolded = {}
        early: list[Note] = []
        rows = work_sessions(db, project_id, limit=MAX_SESSIONS)
        views = tuple(_session_view(db, row, refolded, early) for row in rows)
        former = dict.fromkeys(row.recorded_root for row in rows if row.recorded_root is not None)
        return ProjectView(
            root=project.root,
            former_roots=tuple(former),
            main_root=project.main_root,
            sessions=views,
            notes=_notes(db, project_id, refolded, early),
            opinions=_opinions(db, project_id),
            worktrees=tuple(
                Worktree(root=root, last_event_ms=last_ms)
                for root, last_ms in worktrees(db, project.root, limit=MAX_WORKTREES)
            ),
        )


def _opinions(db: sqlite3.Connection, project_id: int) -> tuple[Opinion, ...]:
    """Those among the newest sessions, notes included: a search for older ones would cost more with each session."""
    notes = (row for row in sessions(db, project_id, limit=MAX_SESSIONS) if row.agent == NOTE)
    return tuple(
        Opinion(session=row.native_id, title=row.title or "", at_ms=row.last_ms) for row in islice(notes, MAX_OPINIONS)
    )


def session_digest(db: sqlite3.Connection, session: SessionRow) -> Digest:
    """The folded past of the session's main conversation; the empty digest if only sub-agents are known."""
    thread = main_thread(db, session.id)
    return _digest(db, session, thread, {}) if thread is not None else Digest()


def _session_view(db: sqlite3.Connection, row: SessionRow, refolded: _Refolded, early: list[Note]) -> SessionView:
    """The session with what hooks reported before its transcript had it; `early` gets the notes of that."""
    main = main_thread(db, row.id)
    threads = [*([main] if main is not None else []), *sub_agent_threads(db, row.id, limit=MAX_SUBAGENTS)]
    digests = {thread.subagent_id: _digest(db, row, thread, refolded) for thread in threads}
    for subagent_id, body in provisional_bodies(db, row.id):
        digests[subagent_id], notes = _folded(digests.get(subagent_id, Digest()), row, subagent_id, [body])
        early += notes
    return SessionView(
        session=row.native_id,
        agent=row.agent,
        started_ms=row.started_ms,
        last_ms=row.last_ms,
        digest=digests.pop("", Digest()),
        subagents=tuple(digests.values())[:MAX_SUBAGENTS],
        parent=row.parent,
    )


def _digest(db: sqlite3.Connection, session: SessionRow, thread: ThreadRow, refolded: _Refolded) -> Digest:
    """The thread's digest; one of another fold version is folded again here, and `refolded` gets the notes of that."""
    digest = decode_digest(thread.fold_version, thread.digest)
    if digest is None:
        bodies = stored_bodies(db, thread.id)
        digest, refolded[thread.id] = _folded(Digest(), session, thread.subagent_id, bodies)
    return digest


def _folded(
    digest: Digest, session: SessionRow, subagent_id: str, bodies: Iterable[StoredBody]
) -> tuple[Digest, tuple[Note, ...]]:
    digest, notes = fold_events(digest, (body.of(session.native_id, subagent_id) for body in bodies))
    return digest, tuple(replace(note, agent=session.agent) for of_event in notes for note in of_event)


def _notes(db: sqlite3.Connection, project_id: int, refolded: _Refolded, early: list[Note]) -> tuple[Note, ...]:
    """The weightiest decisions and the newest steps. Those of a refolded thread are as its new fold gave them."""
    most = MAX_NOTES_OF_A_KIND
    stored = [
        *weightiest_notes(db, project_id, "decision", limit=most),
        *newest_notes(db, project_id, "progress", limit=most),
    ]
    notes = [*early, *(note for of_thread in refolded.values() for note in of_thread)]
    notes += [_note(row) for row in stored if row.thread_id not in refolded]
    decisions = [note for note in notes if note.kind == "decision"]
    steps = [note for note in notes if note.kind == "progress"]
    decisions.sort(key=lambda note: (note.weight, note.at_ms), reverse=True)
    steps.sort(key=lambda note: note.at_ms, reverse=True)
    return (*decisions[:most], *steps[:most])


def _note(row: NoteRow) -> Note:
    kind: Literal["decision", "progress"] = "decision" if row.kind == "decision" else "progress"
    return Note(kind=kind, text=row.text, at_ms=row.at_ms, weight=row.weight, agent=row.agent)
