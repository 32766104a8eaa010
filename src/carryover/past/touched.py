"""Answers with what was touched: a session's turns and changes from above, and the files of a project with who edited
them, when and why. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from carryover.agents import agent_name
from carryover.distill.forms import request_in
from carryover.export.quoting import one_line, safe
from carryover.export.session_parts import SessionEvent, edit_line, numbered
from carryover.ledger.events import edits_of_session, session_events, turn_of, typed_prompts
from carryover.ledger.queries import Page, ProjectRow, SessionRow, page_of_sessions, session_of
from carryover.model import FileEdit, ToolResult, UserPrompt
from carryover.past.answers import (
    ChangedFile,
    FileChange,
    FilesAnswer,
    OutlineAnswer,
    SessionOfFile,
    TestsRun,
    TouchedFile,
    TurnOutline,
)
from carryover.past.session_entries import title_of
from carryover.past.session_list import here
from carryover.past.session_turns import path_in_project
from carryover.testruns.reading import test_run_in

_PROMPT_CHARS: Final = 300
_MOST_DIFF_CHARS: Final = 1_500_000
"""No further diff is added to an answer of this size."""
MOST_EDITS: Final = 4_000
"""Once so many edits of a project were read, no older session is."""
_MOST_SESSIONS: Final = 2_000
"""The same for sessions: most of them may have edited nothing."""
_SESSIONS_AT_ONCE: Final = 100


def outline(db: sqlite3.Connection, agent: str, native_id: str) -> OutlineAnswer | None:
    """Returns a session's turns and changed files; None if there is no such session."""
    row = session_of(db, agent, native_id)
    if row is None:
        return None
    turns: dict[int, list[SessionEvent]] = defaultdict(list)
    for number, event in numbered(session_events(db, row)):
        if not event.retracted:
            turns[number].append(event)
    files = tuple(_changed(turns, row))
    chars = sum(len(change.diff) for file in files for change in file.changes)
    return OutlineAnswer(
        agent=row.agent,
        agent_name=agent_name(row.agent, row.machine),
        session=row.native_id,
        title=one_line(title_of(db, row)),
        root=row.root or "",
        project=here(row),
        turns=tuple(_turn(number, events) for number, events in sorted(turns.items()) if number or _edits(events)),
        files=files,
        is_cut=chars >= _MOST_DIFF_CHARS,
    )


def _turn(number: int, events: Sequence[SessionEvent]) -> TurnOutline:
    prompt = next((event.body.typed for event in events if isinstance(event.body, UserPrompt)), "") if number else ""
    results = [event.body for event in events if isinstance(event.body, ToolResult)]
    runs = [(test_run_in(result), result.subject) for result in results]
    edits = _edits(events)
    sizes = [_size(edit) for edit in edits]
    return TurnOutline(
        number=number,
        at_ms=events[0].at_ms,
        prompt=one_line(request_in(prompt))[:_PROMPT_CHARS],
        calls=len(results),
        files=len({edit.path for edit in edits}),
        added=sum(added for added, _ in sizes),
        removed=sum(removed for _, removed in sizes),
        tests=tuple(
            TestsRun(run.status, one_line(command)[:_PROMPT_CHARS]) for run, command in runs if run is not None
        ),
    )


def _edits(events: Iterable[SessionEvent]) -> list[FileEdit]:
    return [event.body for event in events if isinstance(event.body, FileEdit)]


def _size(edit: FileEdit) -> tuple[int, int]:
    """Returns how many lines an edit added and removed: as the agent says, or else as its diff has them."""
    lines = edit.diff.split("\n")
    added = sum(line.startswith("+") for line in lines) if edit.added is None else edit.added
    removed = sum(line.startswith("-") for line in lines) if edit.removed is None else edit.removed
    return added, removed


def _changed(turns: dict[int, list[SessionEvent]], row: SessionRow) -> Iterator[ChangedFile]:
    """Yields the files that a session changed, in the order in which it first did."""
    of_file: dict[str, list[tuple[int, SessionEvent, FileEdit]]] = defaultdict(list)
    for number, events in sorted(turns.items()):
        for event in events:
            if isinstance(event.body, FileEdit):
                of_file[event.body.path].append((number, event, event.body))
    room = _MOST_DIFF_CHARS
    for path, found in of_file.items():
        changes = []
        for number, event, edit in found:
            diff = safe(edit.diff).text if room > 0 else ""
            room -= len(diff)
            changes.append(
                FileChange(
                    turn=number,
                    at_ms=event.at_ms,
                    what=one_line(edit_line(edit, row.root)),
                    diff=diff,
                    subagent=event.subagent_id or "",
                )
            )
        sizes = [_size(edit) for _, _, edit in found]
        yield ChangedFile(
            path=_shown(path, row),
            added=sum(added for added, _ in sizes),
            removed=sum(removed for _, removed in sizes),
            changes=tuple(changes),
        )


def _shown(path: str, row: SessionRow) -> str:
    return one_line(path_in_project(path, (row.root, row.recorded_root)))


def files(db: sqlite3.Connection, project: ProjectRow) -> FilesAnswer:
    """Returns the files that sessions of the project edited, as far back as `MOST_EDITS` and `_MOST_SESSIONS` reach."""
    found: dict[str, list[SessionOfFile]] = defaultdict(list)
    read = 0
    for number, row in enumerate(_newest_first(db, project.id)):
        if read >= MOST_EDITS or number == _MOST_SESSIONS:
            return FilesAnswer(_touched(found), before_ms=row.last_ms)
        edits = list(edits_of_session(db, row.id))
        read += len(edits)
        for path, entry in _of_session(db, row, edits) if edits else ():
            found[path].append(entry)
    return FilesAnswer(_touched(found), before_ms=0)


def _newest_first(db: sqlite3.Connection, project_id: int) -> Iterator[SessionRow]:
    after = None
    while True:
        rows = page_of_sessions(db, Page(project_id=project_id, after=after), limit=_SESSIONS_AT_ONCE)
        yield from rows
        if len(rows) < _SESSIONS_AT_ONCE:
            return
        after = rows[-1].last_ms, rows[-1].id


def _of_session(
    db: sqlite3.Connection, row: SessionRow, edits: Iterable[tuple[int, int, str, FileEdit]]
) -> Iterator[tuple[str, SessionOfFile]]:
    """Yields each file that the session edited, with what it did to it."""
    prompts = typed_prompts(db, row.id)
    starts = [start for start, _ in prompts]
    of_file: dict[str, list[tuple[int, int, FileEdit]]] = defaultdict(list)
    for event_id, at_ms, subagent_id, edit in edits:
        turn = turn_of(starts, event_id, at_ms, subagent_id or None)
        of_file[_shown(edit.path, row)].append((turn, at_ms, edit))
    for path, made in of_file.items():
        turns = sorted({turn for turn, _, _ in made})
        sizes = [_size(edit) for _, _, edit in made]
        yield (
            path,
            SessionOfFile(
                agent=row.agent,
                agent_name=agent_name(row.agent, row.machine),
                session=row.native_id,
                at_ms=max(at_ms for _, at_ms, _ in made),
                turns=tuple(turns),
                edits=len(made),
                added=sum(added for added, _ in sizes),
                removed=sum(removed for _, removed in sizes),
                why=one_line(request_in(prompts[turns[-1] - 1][1]))[:_PROMPT_CHARS] if turns[-1] else "",
            ),
        )


def _touched(found: dict[str, list[SessionOfFile]]) -> tuple[TouchedFile, ...]:
    def newest_ms(file: TouchedFile) -> int:
        return file.sessions[0].at_ms

    made = [
        TouchedFile(path=path, sessions=tuple(sorted(entries, key=lambda entry: -entry.at_ms)))
        for path, entries in found.items()
    ]
    return tuple(sorted(made, key=newest_ms, reverse=True))
