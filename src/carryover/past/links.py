"""Finds the commits that edits and commands of sessions are in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from carryover.probe.git_history import GitCommit

WHOLE_SECOND_MS: Final = 999
"""Git keeps whole seconds: an edit in the second of a commit counts as made before it."""
_SAME_ACT_MS: Final = 60_000


class Links:
    """Finds commits by the edits and commands that sessions recorded.

    >>> first = GitCommit(id="c1", subject="Add a cart", authored_ms=5_000, committed_ms=5_000, files=("cart.py",))
    >>> Links([first]).of_edit("cart.py", at_ms=4_000) is first
    True
    >>> [Links([first]).any_between(since_ms, since_ms + 1_000) for since_ms in (3_999, 4_000, 5_999, 6_000)]
    [False, True, True, False]
    """

    def __init__(self, commits: Iterable[GitCommit]) -> None:
        self._oldest_first = sorted(commits, key=lambda commit: commit.authored_ms)
        self._of_file: dict[str, list[GitCommit]] = {}
        for commit in self._oldest_first:
            for name in commit.files:
                self._of_file.setdefault(name, []).append(commit)

    def any_between(self, since_ms: int, until_ms: int) -> bool:
        """Whether a commit was made from then until then (UTC ms)."""
        index = bisect_left(self._oldest_first, since_ms, key=_end_ms)
        return index < len(self._oldest_first) and self._oldest_first[index].authored_ms <= until_ms

    def of_edit(self, name: str, at_ms: int) -> GitCommit | None:
        """Returns the first commit of the file `name` (relative to the top of the repository) after an edit."""
        commits = self._of_file.get(name, [])
        index = bisect_left(commits, at_ms, key=_end_ms)
        return commits[index] if index < len(commits) else None

    def of_command(self, short: str, subject: str, at_ms: int) -> GitCommit | None:
        """Returns the commit that a `git commit` made, even if it was rebased since; None if git no longer has it."""
        named = (commit for commit in self._oldest_first if commit.id.startswith(short))
        alike = (
            commit
            for commit in self._oldest_first
            if commit.subject.startswith(subject) and abs(commit.authored_ms - at_ms) <= _SAME_ACT_MS
        )
        return next(named, None) or next(alike, None)

    def before(self, commit: GitCommit | None, name: str) -> int:
        """Returns when (UTC ms) the file `name` was last committed before `commit` (None: at all); 0 if that is
        unknown."""
        commits = self._of_file.get(name, [])
        earlier = [one for one in commits if commit is None or one.authored_ms < commit.authored_ms]
        return earlier[-1].authored_ms + WHOLE_SECOND_MS if earlier else 0


def _end_ms(commit: GitCommit) -> int:
    return commit.authored_ms + WHOLE_SECOND_MS
