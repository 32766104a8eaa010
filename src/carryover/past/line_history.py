"""Finds the turns behind lines of a file. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.ledger.rows import ProjectRow
from carryover.model import FileEdit
from carryover.past.file_changes import (
    WHOLE_SECOND_MS,
    Edits,
    Links,
    TurnChange,
    between,
    edits_of,
    turns_of,
)
from carryover.past.line_origin import comparable, is_silent, writers_of
from carryover.probe.git_history import GitCommit, commit_named, commits_of_lines
from carryover.records.fields import path_in_project
from carryover.redact import clean
from carryover.terminal.output import counted

MOST_BYTES: Final = 8 << 20
_Found = Literal["followed", "by_text", "turns", "before", "outside", "unknown"]


class LineHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The origin of a line of a file as it is now, and of those after it that came in the same way."""

    file: str
    line: int
    last: int
    """The last of them."""
    text: str
    """Of the first of them."""
    found: _Found
    """The edit that wrote it was `followed` through all later ones, or found `by_text` because the file was also
    changed outside the sessions; or one of the `turns` wrote it, whose text is not recorded; or it was there `before`
    the first recorded edit; or it was changed `outside` the sessions; `unknown`: one of the two."""
    turns: tuple[TurnChange, ...]
    """The turn that wrote it, or the possible ones if `found` is `turns`."""
    commit: GitCommit | None
    """The commit that it came with; None if it is not committed or git gave no answer."""
    commit_known: bool
    """Whether git gave an answer."""
    first_edit_ms: int | None
    """Time of the first recorded edit of the file."""


def line_history(
    db: sqlite3.Connection, project: ProjectRow | None, root: str, path: Path, first: int, last: int
) -> list[LineHistory]:
    """Returns the origins of the lines from `first` to `last` (from 1) of the file at `path`, neighbours of the same
    origin as one. Raises UserError if the first is none of the file's."""
    texts = _lines(path, first)
    name = path_in_project(str(path), root)
    answer = commits_of_lines(Path(root), name, first, min(last, len(texts)))
    commits = answer or {}
    places = {path, *(Path(root, former) for _, former in commits.values())}
    edits = edits_of(db, project, *sorted(map(str, places)))
    first_edit_ms = edits[0].at_ms if edits else None
    lines = [
        LineHistory(
            file=str(path),
            line=number,
            last=number,
            text=text,
            found="unknown",
            turns=(),
            commit=commits[number][0] if number in commits else None,
            commit_known=answer is not None,
            first_edit_ms=first_edit_ms,
        )
        for number, text in enumerate(texts[first - 1 : last], start=first)
    ]
    in_places = [edit for edit in edits if Path(edit.body.path) in places]
    passes = [(edits, lines)]
    if 0 < len(in_places) < len(edits):
        # What is not committed was most likely written here, whatever was done alike in another worktree; and a file
        # that was written whole there would hide the edits of this one.
        not_committed = [line for line in lines if line.commit is None]
        passes = [(in_places, not_committed), (edits, lines), (in_places, lines)]
    known: dict[int, LineHistory] = {}
    for among, asked in passes:
        known |= _by_undoing(db, texts, [line for line in asked if line.line not in known], among)
    links_of = cache(lambda commit: Links(commit_named(Path(root), commit)))
    for line in lines:
        if line.line not in known:
            former = commits[line.line][1] if line.line in commits else name
            since_ms = links_of(line.commit.id if line.commit is not None else "HEAD").before(line.commit, former)
            known[line.line] = _by_time(db, line, edits, since_ms)
    origins = (known[line.line] for line in lines)
    neighbours = ([*same] for _, same in groupby(origins, key=lambda one: (one.found, one.turns, one.commit)))
    return [replace(same[0], last=same[-1].last) for same in neighbours]


def _by_undoing(
    db: sqlite3.Connection, texts: Sequence[str], lines: Sequence[LineHistory], edits: Edits
) -> dict[int, LineHistory]:
    """Returns by their numbers those of the lines for which undoing the edits tells the turn that wrote it, or that it
    is older than all of them; not those that may have come from elsewhere. `texts`: all lines of the file."""
    turns_with = cache(lambda place: tuple(turns_of(db, [edits[place]])))
    sources = writers_of(texts, [line.line - 1 for line in lines], [edit.body for edit in edits])
    known: dict[int, LineHistory] = {}
    for line, source in zip(lines, sources, strict=True) if edits else ():
        is_older = line.commit is not None and line.commit.committed_ms < edits[0].at_ms
        if source.edit is None:
            is_older = is_older or source.sure == "followed"
        elif line.commit is None or edits[source.edit].at_ms <= line.commit.committed_ms + WHOLE_SECOND_MS:
            known[line.line] = replace(line, found=source.sure, turns=turns_with(source.edit))
            continue
        if is_older:
            known[line.line] = replace(line, found="before")
    return known


def _by_time(db: sqlite3.Connection, line: LineHistory, edits: Edits, since_ms: int) -> LineHistory:
    """Returns the line with the turns that may have written it, by the time of their edits: since the file was
    committed before (0: never). Without any, it came from outside the sessions, or is older."""
    if possible := turns_of(db, _without_text(edits, since_ms, line)):
        return replace(line, found="turns", turns=tuple(possible))
    return replace(line, found="unknown" if line.commit is None and not since_ms else "outside")


def _lines(path: Path, line: int) -> list[str]:
    """Returns the file's lines, redacted as recorded edits are. Raises UserError if line `line` is none of them."""
    try:
        content = read_bytes_bounded(path, MOST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise UserError(
            f"{path} can't be read: {os_reason(error)}. `carryover why FILE`, without a line, lists the turns that "
            "changed it.",
            ExitCode.NOTHING_FOUND,
        ) from error
    lines = comparable(content)
    redacted = comparable(clean(content))
    count = len(lines) - (lines[-1] == "")
    if not 1 <= line <= count:
        raise UserError(f"{path} has {counted(count, 'line')}, so no line {line}.", ExitCode.NOTHING_FOUND)
    shown = redacted if len(redacted) == len(lines) else lines
    return shown[:count]


def _without_text(edits: Edits, since_ms: int, line: LineHistory) -> Edits:
    """Returns the edits without recorded text that may have written the line: from `since_ms` until its commit."""
    until_ms = line.commit.committed_ms + WHOLE_SECOND_MS if line.commit is not None else None
    silent = [edit for edit in between(edits, since_ms, until_ms) if is_silent(edit.body)]
    begun = [edit for edit in silent if _begins_with(edit.body, line.text.strip())]
    return begun or silent


def _begins_with(edit: FileEdit, line: str) -> bool:
    return edit.anchor is not None and edit.anchor != "" and edit.anchor.strip() == line
