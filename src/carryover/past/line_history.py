"""Finds the turns behind lines of a file. Read-only and blocking."""

from __future__ import annotations

import math
import sqlite3
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.ledger.rows import ProjectRow
from carryover.past.file_changes import TurnChange, between, edits_of, turns_of
from carryover.past.line_origin import as_recorded, may_have_written, parts_written, writer_of, written_lines
from carryover.past.links import WHOLE_SECOND_MS, Links
from carryover.probe.git_history import GitCommit, commit_named, commits_of_lines
from carryover.records.fields import path_in_project
from carryover.terminal.output import counted

MOST_BYTES: Final = 8 << 20
_Found = Literal["by_text", "turns", "before", "outside", "unknown"]


class LineHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The origin of a line of a file as it is now, and of those after it that came in the same way."""

    file: str
    line: int
    last: int
    """The last of them."""
    text: str
    """Of the first of them."""
    found: _Found
    """An edit wrote a line of its text (`by_text`); one of the `turns` may have written it, of which not all is
    recorded, or the line has too little text to be recognised; or it was there `before` the first recorded edit; or it
    was changed `outside` the sessions; `unknown`: one of the two."""
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
    among = written_lines(edits)
    # What is not committed was most likely written here, whatever was done alike in another worktree.
    here_first = sorted(among, key=lambda pair: Path(pair[0].body.path) not in places)
    # Each once: many lines may have the same origin, and of a large file, none may be recorded.
    turns_with = cache(lambda *edits: tuple(turns_of(db, edits)))
    parts_of = cache(lambda edit: parts_written(edit.body))
    links_of = cache(lambda commit: Links(commit_named(Path(root), commit)))
    origins = []
    for line in lines:
        commit = line.commit
        edit = writer_of(texts, line.line - 1, among if commit is not None else here_first, _until_ms(commit))
        if edit is not None:
            origins.append(replace(line, found="by_text", turns=turns_with(edit)))
            continue
        former = commits[line.line][1] if commit is not None else name
        until_ms, since_ms = _until_ms(commit), 0
        # If all edits are newer than the line's commit, it makes no difference what was committed before that.
        if commit is None or (first_edit_ms is not None and first_edit_ms <= until_ms):
            since_ms = links_of(commit.id if commit is not None else "HEAD").before(commit, former)
        in_time = between(edits, since_ms, until_ms)
        turns = turns_with(*(edit for edit in in_time if may_have_written(parts_of(edit), line.text)))
        origins.append(replace(line, found="turns" if turns else _found_without(line, since_ms), turns=turns))
    neighbours = ([*same] for _, same in groupby(origins, key=lambda one: (one.found, one.turns, one.commit)))
    return [replace(same[0], last=same[-1].last) for same in neighbours]


def _found_without(line: LineHistory, since_ms: int) -> _Found:
    """Returns what is known of a line that no turn may have written since the file was committed before (0: never)."""
    if line.commit is not None and line.first_edit_ms is not None and line.commit.authored_ms < line.first_edit_ms:
        return "before"
    return "unknown" if line.commit is None and not since_ms else "outside"


def _until_ms(commit: GitCommit | None) -> float:
    """Returns until when an edit can be in the commit; in none, at any time."""
    return commit.committed_ms + WHOLE_SECOND_MS if commit is not None else math.inf


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
    lines = as_recorded(content)
    count = len(lines) - (lines[-1] == "")
    if not 1 <= line <= count:
        raise UserError(f"{path} has {counted(count, 'line')}, so no line {line}.", ExitCode.NOTHING_FOUND)
    return lines[:count]
