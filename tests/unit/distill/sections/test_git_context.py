from __future__ import annotations

import pytest

from carryover.distill.sections.git_context import git_line
from carryover.facts import GitFacts


@pytest.mark.parametrize(
    ("git", "line"),
    [
        pytest.param(
            GitFacts(branch="main", head="abc1234", subject="start", changed_files=2, insertions=40, deletions=3),
            'branch main at abc1234 "start"; not committed: 2 changed (+40 -3)',
            id="changed",
        ),
        pytest.param(
            GitFacts(branch="main", head="abc1234", subject="start", untracked=1),
            'branch main at abc1234 "start"; not committed: 1 untracked',
            id="untracked",
        ),
        pytest.param(
            GitFacts(branch=None, head="abc1234", subject="s" * 90),
            f'detached HEAD at abc1234 "{"s" * 79}…"; nothing uncommitted',
            id="detached",
        ),
        pytest.param(
            GitFacts(branch="main", head=None), "branch main, no commit yet; nothing uncommitted", id="no commit"
        ),
        pytest.param(
            GitFacts(branch="main", head="abc1234", subject="start", changed_files=2, untracked=1, stale=True),
            'branch main at abc1234 "start"; not committed: 2 changed (+0 -0), 1 untracked '
            "(last known; git did not answer in time)",
            id="last known",
        ),
    ],
)
def test_the_state_of_the_repository_is_one_line(git: GitFacts, line: str) -> None:
    assert git_line(git) == line
