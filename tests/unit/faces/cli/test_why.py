"""`carryover why`: a commit by its lines, several lines at once, and a function by its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.claude_session import ClaudeWork, commit, head
from support.recorded_shop import Run
from support.repository import git

BEFORE = "def total(items):\n    return sum(items)\n"
TWO = "class Cart:\n    def total(self):\n        return 1\n\n    def count(self):\n        return 2\n"


def _prompts(run: Run, name: str) -> list[str]:
    return [turn["prompt"] for turn in json.loads(run("why", name, "--json")[1])["turns"]]


@pytest.fixture
def halves(work: ClaudeWork) -> tuple[str, str]:
    """Two commits of one file, each with the lines of another turn; both turns were over before the first."""
    work.prompt("say what it is for")
    work.edit("cart.py", "def total", '"""Prices."""\n\n\ndef total')
    work.prompt("add a count")
    work.edit("cart.py", "sum(items)\n", "sum(items)\n\n\ndef count(items):\n    return len(items)\n")
    both = (work.cwd / "cart.py").read_text()
    (work.cwd / "cart.py").write_text(f"{BEFORE}{both.partition(BEFORE)[2]}")
    work.later(minutes=5)
    commit(work.cwd, "Count", at=work.now)
    count = head(work.cwd)
    (work.cwd / "cart.py").write_text(both)
    work.later(minutes=5)
    commit(work.cwd, "Describe", at=work.now)
    return count, head(work.cwd)


def test_a_commit_has_the_turns_whose_lines_it_brought(halves: tuple[str, str], run: Run) -> None:
    count, described = halves
    assert _prompts(run, count) == ["add a count"]
    assert _prompts(run, described) == ["say what it is for"]


def test_a_turn_that_only_removed_lines_is_in_the_commit(work: ClaudeWork, run: Run) -> None:
    work.prompt("no total any more")
    work.edit("cart.py", BEFORE, "")
    commit(work.cwd, "Drop total", at=work.now)
    assert _prompts(run, "HEAD") == ["no total any more"]


def test_each_line_that_has_a_turn_has_it_in_its_commit_and_in_its_file(
    halves: tuple[str, str], work: ClaudeWork, run: Run
) -> None:
    """Whatever `why FILE:LINE` finds, `why COMMIT` and `why FILE` know too."""
    lines = json.loads(run("why", f"cart.py:1-{len((work.cwd / 'cart.py').read_text().splitlines())}", "--json")[1])
    for line in (each for each in lines if each["turns"]):
        prompts = {turn["prompt"] for turn in line["turns"]}
        assert prompts <= set(_prompts(run, line["commit"]["id"]))
        of_file = json.loads(run("why", "cart.py", "--json")[1])
        assert prompts <= {turn["prompt"] for turn in of_file}
    assert len([each for each in lines if each["turns"]]) == 2


def test_a_commit_of_a_renamed_file_has_the_turns_of_its_lines(work: ClaudeWork, run: Run) -> None:
    work.prompt("add a remark")
    work.edit("cart.py", "def total", "# in cents\ndef total")
    git(work.cwd, "mv", "cart.py", "basket.py")
    commit(work.cwd, "Rename", at=work.now)
    assert _prompts(run, "HEAD") == ["add a remark"]


def test_several_lines_are_grouped_by_where_they_come_from(halves: tuple[str, str], run: Run) -> None:
    count, described = halves
    out = run("why", "cart.py:1-9")[1].splitlines()
    heads = [line for line in out if line.startswith("cart.py:")]
    assert [head.split(" · ")[0] for head in heads] == ["cart.py:1-3", "cart.py:4-5", "cart.py:6-9"]
    assert (described[:8] in heads[0], count[:8] in heads[2]) == (True, True)
    assert "  say what it is for" in out and "  add a count" in out
    assert json.loads(run("why", "cart.py:8", "--json")[1])["line"] == 8


def test_a_line_without_a_file_is_no_line_of_the_folder(work: ClaudeWork, run: Run) -> None:
    assert "There is no file ':3' here" in run.err(ExitCode.NOTHING_FOUND, "why", ":3")


def test_without_git_no_line_is_said_to_be_uncommitted(work: ClaudeWork, run: Run) -> None:
    work.prompt("tale")
    work.write("tale.md", "Once\n")
    assert "tale.md:1 · not committed\n" in run.out("why", "tale.md:1")
    shutil.rmtree(work.cwd / ".git")
    assert run.out("why", "tale.md:1").startswith("tale.md:1\n")


def test_a_file_with_a_colon_in_its_name_is_a_file(work: ClaudeWork, run: Run) -> None:
    work.prompt("odd")
    work.write("a:1", "x = 1\n")
    assert json.loads(run("why", "a:1", "--json")[1])[0]["prompt"] == "odd"
    assert json.loads(run("why", str(Path("a:1:1")), "--json")[1])["turns"][0]["prompt"] == "odd"


def test_a_file_below_the_top_is_found_from_a_subfolder(
    work: ClaudeWork, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the path that a handoff has; one that is here is meant first."""
    work.prompt("add a remark")
    work.edit("cart.py", "def total", "# in cents\ndef total")
    (work.cwd / "shop").mkdir()
    monkeypatch.chdir(work.cwd / "shop")
    assert [turn["prompt"] for turn in json.loads(run("why", "cart.py", "--json")[1])] == ["add a remark"]
    (work.cwd / "shop" / "cart.py").write_text("")
    assert run("why", "cart.py")[0] == ExitCode.NOTHING_FOUND


def test_of_many_turns_that_may_have_written_a_line_the_newest_are_shown(work: ClaudeWork, run: Run) -> None:
    for number in range(7):
        work.prompt(f"add shelf {number}")
        work.edit("cart.py", "def total", f"shelf_{number} = (\n    {number},\n)\n\n\ndef total")
    text = (work.cwd / "cart.py").read_text()
    (work.cwd / "cart.py").write_text(f"by_hand = (\n)\n{text}")

    shown = run.out("why", "cart.py:2").splitlines()

    assert "The newest 5 of 7 turns that may have written it (--json has all):" in shown
    assert [line.strip() for line in shown if "add shelf" in line] == [
        f"add shelf {number}" for number in range(6, 1, -1)
    ]
    assert len(json.loads(run("why", "cart.py:2", "--json")[1])["turns"]) == 7
