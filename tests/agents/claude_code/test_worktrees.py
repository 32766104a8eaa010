"""The branch of a session that goes into a worktree, where `gitBranch` stays what it was (2.0.65 to 2.1.328)."""

from __future__ import annotations

import msgspec
import pytest

from agents.claude_code.session import Session
from carryover.agents.claude_code.adapter import AGENT
from carryover.ingest.sanitize import context_without_text
from carryover.model import SessionInfo

SHOP = "/home/dev/shop"
NEW = "Preparing worktree (new branch 'feature')\nHEAD is now at 46e0fc9 start"


def branches(session: Session) -> list[str]:
    return [info.branch for info in session.all(SessionInfo) if info.branch is not None]


@pytest.mark.parametrize(
    ("command", "printed", "folder", "branch"),
    [
        ("git worktree add ../shop-cents -b feature", NEW, "/home/dev/shop-cents", "feature"),
        (f"git -C {SHOP} worktree add -b feature .wt main 2>&1 | tail -1", "", f"{SHOP}/.wt/sub", "feature"),
        ("cd .. && git worktree add 'shop cents'", NEW.replace("feature", "x"), "/home/dev/shop cents", "x"),
        ("git worktree add ../w old", "Preparing worktree (checking out 'old')", "/home/dev/w", "old"),
        ("git worktree add ../w v1", "Preparing worktree (detached HEAD 46e0fc9)", "/home/dev/w", "main"),
        ("git worktree add ../w -b feature", NEW, "/home/dev/shop", "main"),
        ("git worktree list", NEW, "/home/dev/w", "main"),
        ("git worktree add", NEW, "/home/dev/w", "main"),
    ],
)
def test_in_a_worktree_that_a_command_made_its_branch_counts(
    command: str, printed: str, folder: str, branch: str
) -> None:
    session = Session()
    session.user("Begin", gitBranch="main")
    session.result(session.calls("Bash", command=command), printed, failed=False, gitBranch="main")
    session.says("In it.", cwd=folder, gitBranch="main")
    session.says("Back.", gitBranch="main")
    assert branches(session) == (["main"] if branch == "main" else ["main", branch, "main"])


def test_a_worktree_whose_command_failed_is_none() -> None:
    session = Session()
    session.user("Begin", gitBranch="main")
    call = session.calls("Bash", command="git worktree add ../w -b feature")
    session.result(call, "Exit code 128\nfatal: invalid reference", failed=True, gitBranch="main")
    session.says("In it.", cwd="/home/dev/w", gitBranch="main")
    assert branches(session) == ["main"]


def test_nothing_but_a_worktrees_path_stays_of_a_forgotten_session() -> None:
    session = Session()
    session.user("Begin", gitBranch="main")
    session.result(session.calls("Bash", command="git worktree add ../w -b zebra"), "", failed=False, gitBranch="main")
    session.calls("Bash", command="git worktree add ../w2 -b zebra2")
    assert b"zebra" in msgspec.json.encode(session.context)
    kept = context_without_text(session.context)
    assert b"/home/dev/w" in kept
    assert b"zebra" not in kept

    session.context = msgspec.json.decode(kept, type=AGENT.context_type)
    session.says("In it.", cwd="/home/dev/w", gitBranch="main")
    assert branches(session)[-1] == "main"
