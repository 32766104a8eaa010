from __future__ import annotations

import pytest

from carryover.distill.git_reports import branch_in, committed
from carryover.model import ResultStatus, ToolResult


def shell(command: str, output: str, *, status: ResultStatus = "ok") -> ToolResult:
    return ToolResult(call_id="c", name="Bash", op="shell", status=status, subject=command, output=output)


@pytest.mark.parametrize(
    ("output", "branch"),
    [
        ("[main 1b2614a] Add a cap", "main"),
        ("[fix/cap (root-commit) 1b2614a] Add a cap", "fix/cap"),
        ("Switched to a new branch 'fix/cap'", "fix/cap"),
        ("On branch main\nYour branch is up to date with 'origin/main'.\nChanges not staged for commit:", "main"),
        ("✓ Merged pull request #20\n✓ Deleted local branch fix/cap and switched to branch main", "main"),  # gh
        ("error: Unable to create '/shop/.git/HEAD.lock': Not permitted\nSwitched to a new branch 'fix/cap'", ""),
        ("On branch matters of taste", ""),
        ("[main[main 1b2614a] Add a cap", "main"),  # as a terminal of Windows repeats it
        ("[detached HEAD 1b2614a] Add a cap", ""),
        ("[HEAD 1b2614a] Add a cap", ""),  # as Aider's commits are read, which name no branch
    ],
)
def test_a_commit_or_a_switch_names_the_branch(output: str, branch: str) -> None:
    assert branch_in(shell("./new.sh", output)) == (branch if "Switched" in output else "")
    assert branch_in(shell("git commit -m 'Add a cap'", output)) == branch


@pytest.mark.parametrize(
    ("command", "output", "branch"),
    [
        ("git branch -m tax", "", "tax"),
        ("git init && git commit -qm x && git branch -M main && git push", "[master 1b2614a] Add a cap", "main"),
        ("git branch -m tax && git switch fix/cap", "Switched to branch 'fix/cap'", "fix/cap"),
        ("gh pr merge -d 7 | tail -1 && git checkout dev", "Already on 'dev'\nYour branch is up to date.", "dev"),
        ("git branch -m tax; git status", "fatal: a branch named 'tax' already exists", ""),
        ("git branch -m old tax", "", ""),  # `old` need not be the one that is checked out
        ("git branch -m cap2 tax", "", ""),
        ("git branch -m old 2fa", "", ""),
        ("git branch -m cap2 2>&1 | cat", "", "cap2"),
        ("git branch -m cap>/dev/null", "", "cap"),
        ("git branch -D tax", "Deleted branch tax (was 1b2614a).", ""),
    ],
)
def test_a_branch_that_gets_another_name_goes_by_that(command: str, output: str, branch: str) -> None:
    assert branch_in(shell(command, output)) == branch
    assert branch_in(shell(command, output, status="unknown")) == branch  # as in what SpecStory saved
    assert branch_in(shell(command, "", status="error")) == ""


@pytest.mark.parametrize("said", ["nothing to commit, working tree clean", "error: pathspec 'x' did not match"])
def test_behind_a_commit_that_failed_no_branch_gets_another_name(said: str) -> None:
    output, command = f"On branch master\n{said}", "git commit -m x && git branch -M main"

    assert branch_in(shell(command, output, status="unknown")) == "master"
    assert branch_in(shell(command.replace("&&", ";"), output)) == "main"


def test_the_script_of_spec_kit_has_checked_out_the_branch_that_it_made() -> None:
    made = '{"BRANCH_NAME":"004-cap","SPEC_FILE":"/home/dev/shop/specs/004-cap/spec.md","FEATURE_NUM":"004"}'
    warned = "[specify] Warning: Git repository not detected; skipped branch creation for 004-cap"
    for output, branch in ((made, "004-cap"), (f"{warned}\n{made}", ""), ('{"BRANCH_NAME":"004-cap"}', "")):
        assert branch_in(shell("scripts/create-new-feature.sh --json Cap", output)) == branch


@pytest.mark.parametrize(("command", "status"), [("git commit -m 'Add it'", "error"), ("cat build.log", "ok")])
def test_only_a_commit_that_went_well_is_one(command: str, status: ResultStatus) -> None:
    output = "[main 1b2614a] Add it"

    assert committed(shell(command, output, status=status)) == []
    for commits in ("git commit", "git -C /home/dev/shop commit", "git -c core.pager=cat -C 'my shop' commit"):
        assert committed(shell(commits, output)) == [("1b2614a", "Add it")]


def test_a_branch_that_tests_switch_to_is_not_the_projects() -> None:
    switched = "Switched to a new branch 'cap'\n  2 passing (9ms)"

    assert branch_in(shell("./new.sh", switched)) == "cap"
    assert branch_in(shell("pnpm test 2>&1", switched)) == ""
    assert branch_in(shell("pnpm test; git status", "On branch cap")) == "cap"
