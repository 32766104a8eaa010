"""`carryover why` and `carryover log`: the turns behind files, lines and commits, and a project's timeline."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.claude_session import ClaudeWork, commit, head
from support.codex_session import CodexSession
from support.recorded_shop import Run
from support.repository import git, repository

pytestmark = pytest.mark.usefixtures("utc")


def test_the_turns_that_changed_a_file_are_listed_with_their_prompts(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)

    *_, first, prompt = run("why", "cart.py")[1].splitlines()

    assert HEAD.match(first) and "discount" in prompt
    assert "discount" in run(*shown_by(first))[1]
    assert {each["path"] for each in json.loads(run("why", "cart.py", "--json")[1])} == {str(recorded / "cart.py")}


HEAD = re.compile(r"(.+ ago|just now|\d{4}-\d\d-\d\d) · Claude Code · carryover show c0de")
CART = "def total(items):\n    return sum(items)\n"
WITH_DISCOUNT = "    return sum(items)\n\n\ndef discount(cents):\n    return cents\n"


def shown_by(head: str) -> list[str]:
    """The arguments of the command that an entry names."""
    [command] = re.findall(r"carryover (show \S+ --turn \d+)", head)
    return str(command).split()


def why(run: Run, place: str) -> tuple[str, ...]:
    """What is found of a line, and the prompts of its turns."""
    code, out, _ = run("why", place, "--json")
    found = json.loads(out)
    assert (code == ExitCode.OK) == bool(found["turns"])
    return found["found"], *(turn["prompt"] for turn in found["turns"])


def test_a_line_has_the_turn_that_wrote_it_whatever_was_edited_later(work: ClaudeWork, run: Run) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "    return sum(items)\n", WITH_DISCOUNT)
    work.prompt("say what it is for")
    work.edit("cart.py", "def total", '"""Prices of a cart."""\n\n\ndef total')
    work.edit("cart.py", "    return cents\n", "    return cents - 5\n")

    assert (work.cwd / "cart.py").read_text().splitlines()[7:] == ["def discount(cents):", "    return cents - 5"]
    assert [why(run, f"cart.py:{line}") for line in (1, 8, 9)] == [
        ("by_text", "say what it is for"),
        ("by_text", "add a discount"),
        ("by_text", "say what it is for"),
    ]


def test_what_was_written_by_hand_is_said_to_come_from_outside(work: ClaudeWork, run: Run) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "    return sum(items)\n", WITH_DISCOUNT)
    path = work.cwd / "cart.py"
    path.write_text(path.read_text().replace("def discount(cents):\n", "def discount(cents):\n    # by hand\n"))
    repository(work.cwd / "lib", {"tax.py": "RATE = 1\n"})
    work.edit("lib/tax.py", "RATE = 1", "RATE = 2")

    assert (why(run, "cart.py:6"), why(run, "lib/tax.py:1")) == (("outside",), ("by_text", "add a discount"))
    assert why(run, "cart.py:7") == ("by_text", "add a discount")
    assert run("why", "cart.py:6")[:2] == (
        ExitCode.NOTHING_FOUND,
        "cart.py:6 · not committed\n      # by hand\n"
        "No recorded edit wrote this line: it was changed outside the sessions.\n",
    )


def test_without_an_answer_of_git_a_line_is_not_said_to_be_uncommitted(
    home: Path, work: ClaudeWork, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")
    commit(work.cwd, "Add a discount", at=work.now)
    run("why", "cart.py")
    monkeypatch.setenv("PATH", str(home))

    found = json.loads(run("why", "cart.py:2", "--json")[1])
    assert (found["commit"], found["commit_known"]) == (None, False)
    assert run("why", "cart.py:2")[1].startswith("cart.py:2 · commit not known: git gave no answer\n")


def test_a_committed_line_names_turn_and_commit_also_after_a_rename(work: ClaudeWork, run: Run) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")
    made = work.commit("Add a discount")
    git(work.cwd, "mv", "cart.py", "basket.py")
    commit(work.cwd, "Rename it", at=work.now)

    found = json.loads(run("why", "basket.py:2", "--json")[1])
    assert (found["commit"]["id"], found["text"]) == (made, "    return sum(items) - 5")
    assert why(run, "basket.py:2") == ("by_text", "add a discount")


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_file_that_git_renamed_keeps_its_turns_and_not_those_of_what_has_its_name_now(
    work: ClaudeWork, run: Run, is_committed: bool
) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")
    work.commit("Add a discount")
    git(work.cwd, "mv", "cart.py", "basket.py")
    if is_committed:
        commit(work.cwd, "Rename it", at=work.now)
        work.later(minutes=5)
        work.prompt("write another cart")
        work.write("cart.py", "CART = 1\n")

    assert [turn["prompt"] for turn in json.loads(run("why", "basket.py", "--json")[1])] == ["add a discount"]


def test_a_secret_in_a_line_is_not_shown_and_the_line_is_known(work: ClaudeWork, run: Run) -> None:
    key = "ghp_" + "0aB1" * 9
    work.prompt("use the key")
    work.write("keys.py", f'KEY = "{key}"\nother = 1\n')

    found = json.loads(run("why", "keys.py:1", "--json")[1])
    assert (found["found"], found["text"]) == ("by_text", 'KEY = "[redacted:github]"')


def test_what_is_not_there_or_not_recorded_is_said(work: ClaudeWork, home: Path, run: Run) -> None:
    work.prompt("hello")
    for command in ("log --since 2030-01-01", "log --agent codex", f"log {home}"):
        assert run.err(ExitCode.NOTHING_FOUND, *command.split()), command
    assert json.loads(run("search", "hello", "--project", str(home), "--json")[1])["hits"] == []


def test_a_commit_names_its_session_and_the_turns_in_it(work: ClaudeWork, run: Run) -> None:
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")
    work.write("test_cart.py", "def test_total(): ...\n")
    first = work.commit("Add a discount")
    work.prompt("raise it")
    work.edit("cart.py", "- 5", "- 6")
    work.later(days=2)
    commit(work.cwd, "Raise it", at=work.now)

    short = work.session[:8]
    assert run("why", first[:7])[1] == (
        f"2 h ago · commit {first[:8]} · made by Claude Code {short}\n  Add a discount\n"
        f"2 h ago · Claude Code · carryover show {short} --turn 1 · test_cart.py new +1, cart.py +1 -1\n"
        "  add a discount\n"
    )
    found = json.loads(run("why", "HEAD", "--json")[1])
    assert (found["made_by"], [turn["prompt"] for turn in found["turns"]]) == (None, ["raise it"])


def test_the_timeline_of_a_project_is_printed_newest_first(recorded: Path, run: Run) -> None:
    lines = run("log", str(recorded))[1].splitlines()

    entries = [line for line in lines if not line.startswith("  ")]
    assert all(map(HEAD.match, entries))
    assert sum(line.endswith(" · session began") for line in entries) == 2
    assert any("Wire discount into checkout" in line for line in lines if line.startswith("  "))


def test_a_commit_is_shown_with_the_session_that_made_it_or_whose_edits_it_holds(work: ClaudeWork, run: Run) -> None:
    shop = work.cwd
    work.prompt("add a discount")
    work.edit("cart.py", "sum(items)", "sum(items) - 5")
    own = work.commit("Add a discount")
    work.edit("cart.py", "- 5", "- 6")
    work.later(minutes=5)
    commit(shop, "Raise it", at=work.now)
    raised = head(shop)
    (shop / "notes.txt").write_text("by hand\n")
    commit(shop, "Something else", at=work.now)

    commits = [each for each in json.loads(run("log", "--json")[1]) if each["kind"] == "commit"]
    out = run("log")[1]

    assert [(each["commit"], each["how"], each["text"]) for each in commits] == [
        (raised, "edits", "Raise it"),
        (own, "command", "Add a discount"),
    ]
    assert f" · commit {raised[:8]} with its edits\n  Raise it\n" in out
    assert f" · commit {own[:8]}\n  Add a discount\n" in out
    assert "Something else" not in out


def test_a_log_says_that_another_agent_took_over(work: ClaudeWork, home: Path, run: Run) -> None:
    work.prompt("add a discount")
    work.answer("Done.")
    codex = CodexSession(home / ".codex", work.cwd, now=work.now)
    codex.prompt("round it")

    assert " · agent changed\n  from Claude Code to Codex\n" in run("log")[1]


def test_a_log_says_when_and_says_a_prompt_once(work: ClaudeWork, run: Run) -> None:
    work.later(days=-3)
    work.prompt("Implement the following plan:\n\n# Prices as whole cents\n\nKeep them in the cart.")

    lines = run("log")[1].splitlines()

    at = f"{work.now:%Y-%m-%d %H:%M}"
    assert [line for line in lines if line.startswith("  ")] == [
        "  Implement the following plan: # Prices as whole cents Keep them in the cart."
    ]
    assert all(line.startswith(at[:-1]) for line in lines if not line.startswith("  "))


def test_a_log_of_a_folder_where_nothing_was_done_says_where_something_was(
    recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    err = run.err(ExitCode.NOTHING_FOUND, "log")

    assert f"No session is recorded for {home}. `carryover sessions --all` lists the projects" in err
    assert "Without --since and --agent" in run.err(ExitCode.NOTHING_FOUND, "log", "--agent", "codex")


def test_a_folder_that_is_not_there_is_not_the_project_around_it(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)
    (recorded / "there").mkdir()

    for command in ("handoff", "log", "sessions", "unpause", "to codex", "forget --project"):
        code, _, err = run(*command.split(), "tpyo")
        assert code == ExitCode.NOTHING_FOUND, command
        assert err.startswith("carryover: There is no folder tpyo. `carryover sessions --all` lists "), command

        assert "There is no folder" not in run(*command.split(), "there")[2], command


@pytest.mark.parametrize("typed", ["shop", "shp", "../shp", "/elsewhere/shop"])
def test_a_project_that_is_named_by_its_name_or_with_a_typo_is_found_by_its_path(
    recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    (home / "other").mkdir()
    monkeypatch.chdir(home / "other")

    for command in ("handoff", "log"):
        err = run.err(ExitCode.NOTHING_FOUND, command, typed)
        assert f"; did you mean '{recorded}'? `carryover sessions --all`" in err, command


@pytest.mark.parametrize("typed", ["API", "api", "APi"])
def test_a_project_with_capitals_in_its_name_is_found_by_its_path(recorded: Path, run: Run, typed: str) -> None:
    project = recorded.parent / "code" / "API"
    project.parent.mkdir()
    run("link", str(recorded), str(recorded.rename(project)))

    assert f"; did you mean '{project}'?" in run.err(ExitCode.NOTHING_FOUND, "log", str(recorded.parent / typed))
