"""The files that sessions of a project edited, with who edited them, when and why. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from carryover.agents import agent_name
from carryover.ledger import queries
from carryover.ledger.events import edits_of_session, turn_of, typed_prompts
from carryover.ledger.rows import ProjectRow, SessionRow
from carryover.model import FileEdit
from carryover.past.session import lines_changed, short_prompt, shown_path
from carryover.past.types import ChangedFile, ChangedFiles, FileSession

MOST_EDITS: Final = 4_000
"""Once so many edits of a project were read, no older session is."""
_MOST_SESSIONS: Final = 2_000
"""The same for sessions: most of them may have edited nothing."""
_SESSIONS_AT_ONCE: Final = 100


def files_changed(
    db: sqlite3.Connection, project: ProjectRow, *, most_edits: int = MOST_EDITS, most_sessions: int = _MOST_SESSIONS
) -> ChangedFiles:
    """Returns the files that sessions of the project edited, as far back as these bounds reach."""
    sessions: dict[str, list[FileSession]] = defaultdict(list)
    edits = 0
    for number, row in enumerate(_newest_first(db, project.id)):
        if edits >= most_edits or number == most_sessions:
            return ChangedFiles(_newest_edited_first(sessions), before_ms=row.last_ms)
        for path, session in _of_session(db, row):
            sessions[path].append(session)
            edits += session.edits
    return ChangedFiles(_newest_edited_first(sessions), before_ms=0)


def _newest_first(db: sqlite3.Connection, project_id: int) -> Iterator[SessionRow]:
    after = None
    while True:
        rows = queries.sessions(db, project_id, limit=_SESSIONS_AT_ONCE, after=after, notes=False)
        yield from rows
        if len(rows) < _SESSIONS_AT_ONCE:
            return
        after = rows[-1].last_ms, rows[-1].id


def _of_session(db: sqlite3.Connection, row: SessionRow) -> Iterator[tuple[str, FileSession]]:
    """Yields each file that the session edited, with what it did to it."""
    edits = list(edits_of_session(db, row.id))
    if not edits:
        return
    prompts = typed_prompts(db, row.id)
    starts = [start for start, _ in prompts]
    edits_of: dict[str, list[FileEdit]] = defaultdict(list)
    turns_of: dict[str, set[int]] = defaultdict(set)
    newest_ms: dict[str, int] = defaultdict(int)
    for event_id, at_ms, subagent_id, edit in edits:
        edited = shown_path(edit.path, row)
        edits_of[edited].append(edit)
        turns_of[edited].add(turn_of(starts, event_id, at_ms, subagent_id))
        newest_ms[edited] = max(newest_ms[edited], at_ms)
    for path, file_edits in edits_of.items():
        turns = sorted(turns_of[path])
        added, removed = lines_changed(file_edits)
        session = FileSession(
            agent=row.agent,
            agent_name=agent_name(row.agent, row.machine),
            id=row.native_id,
            at_ms=newest_ms[path],
            turns=tuple(turns),
            edits=len(file_edits),
            added=added,
            removed=removed,
            why=short_prompt(prompts[turns[-1] - 1][1]) if turns[-1] else "",
        )
        yield path, session


def _newest_edited_first(sessions: dict[str, list[FileSession]]) -> tuple[ChangedFile, ...]:
    def newest_ms(file: ChangedFile) -> int:
        return file.sessions[0].at_ms

    files = []
    for path, of_file in sessions.items():
        newest_first = tuple(sorted(of_file, key=lambda session: -session.at_ms))
        added = sum(session.added for session in of_file)
        removed = sum(session.removed for session in of_file)
        files.append(ChangedFile(path=path, added=added, removed=removed, sessions=newest_first))
    return tuple(sorted(files, key=newest_ms, reverse=True))
