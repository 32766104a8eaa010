"""Finds the turns behind lines of a file. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.ledger.rows import ProjectRow
from carryover.ledger.search import EditRow
from carryover.model import FileEdit
from carryover.past.line_origin import comparable, origins_of
from carryover.past.session_turns import WHOLE_SECOND_MS, Change, Edits, Links, edits_of, path_in_project, turns_of
from carryover.probe.git_history import Commit, commit_named, commits_of_lines
from carryover.redact import clean

MOST_BYTES: Final = 8 << 20
Found = Literal["followed", "by_text", "turns", "before", "outside", "unknown"]


class LineHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The origin of a line of a file as it is now, and of those after it that came in the same way."""

    file: str
    line: int
    last: int
    """The last of them."""
    text: str
    """Of the first of them."""
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


def line_history(
    db: sqlite3.Connection, project: ProjectRow | None, root: str, path: Path, first: int, last: int
) -> list[LineHistory]:
    """Returns the origins of the lines from `first` to `last` (from 1) of the file at `path`, neighbours of the same
    origin as one. Raises UserError if the first is none of the file's."""
    lines = _lines(path, first)
    last = min(last, len(lines))
    name = path_in_project(str(path), (root,))
    commits = commits_of_lines(Path(root), name, first, last)
    edits: dict[int, tuple[EditRow, FileEdit]] = {}
    for known in dict.fromkeys((name, *(former for _, former in commits.values()))):
        edits |= edits_of(db, project, str(Path(root, known))) if project is not None else {}
    asked = _Asked(db, Path(root), path, name, lines, edits, commits)
    first_edit_ms = min((row.at_ms for row, _ in edits.values()), default=None)
    found: list[LineHistory] = []
    for number, (how, turns) in zip(range(first, last + 1), asked.origins(first, last), strict=True):
        commit = commits[number][0] if number in commits else None
        origin = LineHistory(
            file=str(path),
            line=number,
            last=number,
            text=lines[number - 1],
            found=how,
            turns=tuple(turns),
            commit=commit,
            first_edit_ms=first_edit_ms,
        )
        if found and _is_same(found[-1], origin):
            found[-1] = msgspec.structs.replace(found[-1], last=number)
        else:
            found.append(origin)
    return found


def _is_same(one: LineHistory, other: LineHistory) -> bool:
    return (one.found, one.turns, one.commit) == (other.found, other.turns, other.commit)


class _Asked:
    """Lines of a file, with the recorded edits and the commits that they can come from."""

    def __init__(
        self,
        db: sqlite3.Connection,
        root: Path,
        path: Path,
        name: str,
        lines: list[str],
        edits: Edits,
        commits: Mapping[int, tuple[Commit, str]],
    ) -> None:
        self._db = db
        self._root = root
        self._name = name
        self._lines = lines
        self._edits = edits
        self._commits = commits
        self._links_of = cache(lambda commit: Links(commit_named(root, commit)))
        # A file that was written whole in another worktree would hide the edits of this one.
        places = {path, *(Path(root, former) for _, former in commits.values())}
        self._here = {key: each for key, each in edits.items() if Path(each[1].path) in places}

    def origins(self, first: int, last: int) -> Iterator[tuple[Found, list[Change]]]:
        """Yields for each line how its origin was found, and the turns."""
        all_of_them = _Followed(self._db, self._lines, first, last, self._edits)
        in_part = 0 < len(self._here) < len(self._edits)
        here = _Followed(self._db, self._lines, first, last, self._here) if in_part else None
        for number in range(first, last + 1):
            commit, former = self._commits.get(number, (None, self._name))
            found, turns = all_of_them.origin(number, commit)
            if found == "outside" and here is not None:
                found, turns = here.origin(number, commit)
            if found == "outside":
                found, turns = self._silent(number, commit, former)
            yield found, turns

    def _silent(self, number: int, commit: Commit | None, former: str) -> tuple[Found, list[Change]]:
        links = self._links_of(commit.id if commit is not None else "HEAD")
        since = links.before(commit, former)
        if silent := _without_text(self._edits, since, commit, self._lines[number - 1]):
            return "turns", turns_of(self._db, silent)
        return ("unknown" if commit is None and not since else "outside"), []


class _Followed:
    """What undoing recorded edits says of lines."""

    def __init__(self, db: sqlite3.Connection, lines: list[str], first: int, last: int, edits: Edits) -> None:
        self._turns_with = cache(lambda event_id: turns_of(db, {event_id: edits[event_id]}))
        self._first = first
        self._edits = edits
        self._ordered = sorted(edits, key=lambda key: (edits[key][0].at_ms, key))
        bodies = [edits[key][1] for key in self._ordered]
        self._origins = origins_of(lines, range(first - 1, last), bodies)

    def origin(self, number: int, commit: Commit | None) -> tuple[Found, list[Change]]:
        """Returns the turn whose edit wrote the line, unless the line was committed before that edit."""
        origin = self._origins[number - self._first]
        oldest_ms = self._edits[self._ordered[0]][0].at_ms if self._ordered else None
        is_before_all = commit is not None and oldest_ms is not None and commit.committed_ms < oldest_ms
        if origin.edit is None:
            is_older = is_before_all or (origin.sure == "followed" and oldest_ms is not None)
            return ("before" if is_older else "outside"), []
        event_id = self._ordered[origin.edit]
        if commit is not None and self._edits[event_id][0].at_ms > commit.committed_ms + WHOLE_SECOND_MS:
            return ("before" if is_before_all else "outside"), []
        return origin.sure, self._turns_with(event_id)


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
        raise UserError(f"{path} has {count} lines, so no line {line}.", ExitCode.NOTHING_FOUND)
    shown = redacted if len(redacted) == len(lines) else lines
    return shown[:count]


def _without_text(edits: Edits, since_ms: int, commit: Commit | None, text: str) -> Edits:
    """Returns the edits without recorded text that may have written the line: from `since_ms` until its commit."""
    until = commit.committed_ms + WHOLE_SECOND_MS if commit is not None else float("inf")
    within = {}
    begins = {}
    for key, (row, body) in edits.items():
        is_silent = not body.diff and body.change != "delete"
        if is_silent and since_ms < row.at_ms <= until:
            within[key] = (row, body)
            if body.anchor and body.anchor.strip() == text.strip():
                begins[key] = (row, body)
    return begins or within
