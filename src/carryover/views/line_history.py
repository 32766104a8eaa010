"""Finds the turn that wrote a line of a file, for `carryover why FILE:LINE`. Blocking."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.ledger.rows import ProjectRow
from carryover.ledger.search import EditRow
from carryover.model import FileEdit
from carryover.probe.git_history import Commit, commit_named, commit_of_line
from carryover.redact import clean
from carryover.views.commit_links import WHOLE_SECOND_MS, Links, path_in_project
from carryover.views.file_history import Change, Edits, edits_of, turns_of
from carryover.views.line_origin import comparable, origin_of

MOST_BYTES: Final = 8 << 20

Found = Literal["followed", "by_text", "turns", "before", "outside", "unknown"]


class LineHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The origin of a line of a file as it is now."""

    file: str
    """Absolute."""
    line: int
    text: str
    found: Found
    """The edit that wrote it was `followed` through all later ones, or found `by_text` because the file was also
    changed outside the sessions; or one of the `turns` wrote it, whose text is not recorded; or it was there `before`
    the first recorded edit; or it was changed `outside` the sessions; `unknown`: one of the two."""
    turns: tuple[Change, ...]
    """The turn that wrote it, or the possible ones if `found` is `turns`."""
    commit: Commit | None
    """The commit that it came with; None if it is not committed or git gave no answer."""
    first_edit_ms: int | None
    """Time of the first recorded edit of the file."""


def line_history(db: sqlite3.Connection, project: ProjectRow | None, root: str, path: Path, line: int) -> LineHistory:
    """Returns the origin of line `line` (from 1) of the file at `path`. Raises UserError if there is no such line."""
    lines, text = _lines(path, line)
    name = path_in_project(str(path), (root,))
    commit, former = commit_of_line(Path(root), name, line) or (None, name)
    edits = _edits(db, project, path, Path(root, former))
    found, turns = _origin(db, lines, line - 1, edits, commit)
    # A file that was written whole in another worktree would hide the edits of this one.
    here = {key: each for key, each in edits.items() if Path(each[1].path) in (path, Path(root, former))}
    if found == "outside" and 0 < len(here) < len(edits):
        found, turns = _origin(db, lines, line - 1, here, commit)
    if found == "outside":
        links = Links(commit_named(Path(root), commit.id if commit is not None else "HEAD"))
        since = links.before(commit, former)
        if silent := _without_text(edits, since, commit, text):
            found, turns = "turns", turns_of(db, silent)
        elif commit is None and not since:
            found = "unknown"
    return LineHistory(
        file=str(path),
        line=line,
        text=text,
        found=found,
        turns=tuple(turns),
        commit=commit,
        first_edit_ms=min((row.at_ms for row, _ in edits.values()), default=None),
    )


def _edits(db: sqlite3.Connection, project: ProjectRow | None, *names: Path) -> Edits:
    """Returns the edits of a file under its present name and the one it was committed under."""
    found: dict[int, tuple[EditRow, FileEdit]] = {}
    if project is not None:
        for name in dict.fromkeys(names):
            found |= edits_of(db, project, str(name))
    return found


def _lines(path: Path, line: int) -> tuple[list[str], str]:
    """Returns the file's lines, redacted as recorded edits are, and the text of line `line`."""
    try:
        content = read_bytes_bounded(path, MOST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise UserError(
            f"{path} can't be read: {os_reason(error)}. `carryover why FILE`, without a line, lists the turns that "
            "changed it.",
            ExitCode.NOTHING_FOUND,
        ) from error
    lines, redacted = comparable(content), comparable(clean(content))
    count = len(lines) - (lines[-1] == "")
    if not 1 <= line <= count:
        raise UserError(f"{path} has {count} lines, so no line {line}.", ExitCode.NOTHING_FOUND)
    shown = redacted if len(redacted) == len(lines) else lines
    return shown[:count], shown[line - 1]


def _origin(
    db: sqlite3.Connection, lines: list[str], at: int, edits: Edits, commit: Commit | None
) -> tuple[Found, list[Change]]:
    """Returns the turn whose edit wrote the line, unless the line was committed before that edit."""
    ordered = sorted(edits.items(), key=lambda item: (item[1][0].at_ms, item[0]))
    origin = origin_of(lines, at, [body for _, (_, body) in ordered])
    first_ms = ordered[0][1][0].at_ms if ordered else 0
    if origin.edit is None:
        is_older = origin.sure == "followed" or (commit is not None and commit.committed_ms < first_ms)
        return ("before" if is_older and ordered else "outside"), []
    event_id, (row, body) = ordered[origin.edit]
    if commit is not None and row.at_ms > commit.committed_ms + WHOLE_SECOND_MS:
        return ("before" if commit.committed_ms < first_ms else "outside"), []
    return origin.sure, turns_of(db, {event_id: (row, body)})


def _without_text(edits: Edits, since_ms: int, commit: Commit | None, text: str) -> Edits:
    """Returns the edits without recorded text that may have written the line: those from `since_ms`, when the file was
    committed before, until its commit."""
    silent = {key: (row, body) for key, (row, body) in edits.items() if not body.diff and body.change != "delete"}
    until = commit.committed_ms + WHOLE_SECOND_MS if commit is not None else float("inf")
    within = {key: (row, body) for key, (row, body) in silent.items() if since_ms < row.at_ms <= until}
    begins = {key: each for key, each in within.items() if each[1].anchor and each[1].anchor.strip() == text.strip()}
    return begins or within
