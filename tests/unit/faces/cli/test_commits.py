from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.claude_session import ClaudeWork, commit
from support.recorded_shop import Run

pytestmark = pytest.mark.usefixtures("utc")


def test_a_commit_with_edits_of_two_sessions_is_named_once(work: ClaudeWork, home: Path, run: Run) -> None:
    other = ClaudeWork(home / ".claude" / "projects", work.cwd, now=work.now)
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")
    other.prompt("add a test")
    other.write("test_cart.py", "def test_total(): ...\n")
    work.later(minutes=5)
    commit(work.cwd, "Both", at=work.now)

    entries = json.loads(run("log", "--json")[1])

    assert [each["text"] for each in entries if each["kind"] == "commit"] == ["Both"]
    assert len({each["session"] for each in entries}) == 2


def test_what_is_neither_a_file_nor_a_commit_is_said_to_be_neither(work: ClaudeWork, run: Run) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")

    said = run.err(ExitCode.NOTHING_FOUND, "why", "deadbeef")

    assert said.startswith("carryover: There is no file 'deadbeef' here")
    assert f"Nor is it a commit of {work.cwd}" in said


def test_without_git_it_is_not_said_that_there_is_no_such_commit(
    work: ClaudeWork, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")
    monkeypatch.setenv("PATH", str(home))

    said = run.err(ExitCode.NOTHING_FOUND, "why", "HEAD")

    assert "There is no file 'HEAD' here" in said
    assert "Whether it is a commit is not known, as git can't be run: there is none in the folders of its PATH." in said
