"""Links sessions and commits. Pure.

An edit belongs to the first commit of its file after it. A session that ran `git commit` is recognised by the output.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from carryover.probe.git_history import Commit

How = Literal["command", "edits"]
"""The session ran `git commit`, or somebody else committed edits of the session."""

WHOLE_SECOND_MS: Final = 999
"""Git keeps whole seconds: an edit in the second of a commit counts as made before it."""
_SAME_ACT_MS: Final = 60_000


class Links:
    """Finds commits by the edits and commands that sessions recorded."""

    def __init__(self, commits: Iterable[Commit]) -> None:
        self._oldest_first = sorted(commits, key=lambda commit: commit.authored_ms)
        self._of_file: dict[str, list[Commit]] = {}
        for commit in self._oldest_first:
            for name in commit.files:
                self._of_file.setdefault(name, []).append(commit)

    def of_edit(self, name: str, at_ms: int) -> Commit | None:
        """Returns the first commit of the file `name` (relative to the top of the repository) after an edit."""
        commits = self._of_file.get(name, [])
        at = bisect_left(commits, at_ms, key=lambda commit: commit.authored_ms + WHOLE_SECOND_MS)
        return commits[at] if at < len(commits) else None

    def of_command(self, short: str, subject: str, at_ms: int) -> Commit | None:
        """Returns the commit that a `git commit` made, even if it was rebased since; None if git does not have it."""
        named = (commit for commit in self._oldest_first if commit.id.startswith(short))
        alike = (
            commit
            for commit in self._oldest_first
            if commit.subject.startswith(subject) and abs(commit.authored_ms - at_ms) <= _SAME_ACT_MS
        )
        return next(named, None) or next(alike, None)

    def before(self, commit: Commit | None, name: str) -> int:
        """Returns when (UTC ms) the file `name` was committed before `commit`, or last (None); 0 if that is unknown."""
        commits = self._of_file.get(name, [])
        earlier = [each for each in commits if commit is None or each.authored_ms < commit.authored_ms]
        return earlier[-1].authored_ms + WHOLE_SECOND_MS if earlier else 0


def path_in_project(path: str, roots: Sequence[str | None]) -> str:
    """Returns the path relative to the first of `roots` that contains it; unchanged if none does."""
    for root in roots:
        if root and path.startswith(f"{root.rstrip('/')}/"):
            return path[len(root.rstrip("/")) + 1 :]
    return path
