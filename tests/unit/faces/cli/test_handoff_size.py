"""`--tokens`: the handoff for another budget than the file's, wherever it can be asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from carryover.distill.handoff import LEAST_TOKENS, MOST_TOKENS
from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.recorded_shop import DISCOUNT, Run
from support.repository import repository
from support.tools import program

CHECKER = Path(__file__).parents[4] / "architecture" / "check_handoff.py"


@pytest.mark.parametrize("where", ["recorded", "shop"], ids=["from the ledger", "on disk"])
def test_a_larger_budget_holds_more_of_the_conversation_in_every_form(
    where: str, run: Run, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shop: Path = request.getfixturevalue(where)
    shutil.rmtree(shop / ".git")  # on a busy machine it may not answer each time
    asked = ("handoff", str(shop), "--tokens", "8,000")

    text, data, reasons = run.out(*asked), json.loads(run.out(*asked, "--json")), run.out(*asked, "--why")

    (tmp_path / "printed").write_text(text, "utf-8")
    command = (sys.executable, "-I", CHECKER, "--tokens", "8000", tmp_path / "printed")
    assert subprocess.run(command, capture_output=True, text=True).stdout.endswith(": conforms\n")
    assert data["text"] == text
    assert [section["title"] for section in data["sections"]][-1] == "Conversation"
    said = text.partition("\n## Conversation\n")[2]
    assert "- Added `checkout.py` (turn " in said
    assert all(line in reasons for line in said.splitlines()[:-1])
    assert "\n## Conversation\n" not in run.out("handoff", str(shop))


def test_of_one_file_what_does_not_fit_is_had_with_the_file_again(home: Path, run: Run) -> None:
    session = ClaudeSession(home / "kept", home)
    for number in range(60):
        session.prompt(f"Write chapter {number} of the book about the sea, and give it a title of its own.")
        session.answer(f"Chapter {number} is written; its title is 'The {number}th wave'.")

    last = run.out("handoff", "--transcript", str(session.path)).splitlines()[-1]

    assert "; `carryover handoff --transcript FILE --tokens 8000`: " in last


def test_of_one_file_a_larger_budget_is_filled_from_that_file_alone(shop: Path, run: Run) -> None:
    transcript = str(next(shop.parent.glob(f".claude/projects/*/{DISCOUNT}.jsonl")))

    whole = run.out("handoff", "--transcript", transcript, "--tokens", "8000")

    assert "\n## Conversation\n" in whole
    assert whole == run.out("handoff", "--transcript", transcript, "--tokens", "50000")
    assert "Wire discount" not in whole.partition("\n## Conversation\n")[2]


@pytest.mark.parametrize("tokens", ["599", "50001", "0", "-1", "8k", "many", "１８００"])
def test_a_budget_that_there_is_not_is_refused_and_named(tokens: str, run: Run) -> None:
    for command in (("handoff",), ("to", "codex")):
        err = run.err(ExitCode.USAGE, *command, f"--tokens={tokens}")
        assert f"argument --tokens: must be a number from {LEAST_TOKENS:,} to {MOST_TOKENS:,}" in err


def test_another_agent_gets_as_much_as_was_asked_for_and_the_projects_own_handoff_stays(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(home / "bin" / "claude", "exit 0")
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    project = repository(home / "shop", {"a.py": "1\n"})
    session = CodexSession(home / ".codex", project)
    session.prompt("Count the okapis.")
    born = (f"Okapi {number} was born in the year {1900 + number} at the zoo." for number in range(300))
    session.answer("\n".join(born))

    out = run.out("to", "claude", str(project), "--tokens", "8000")

    assert out.startswith(f"cd {project} && claude 'Read .carryover/handoff-chosen.md, then go on")
    chosen, usual = ((project / ".carryover" / name).read_text() for name in ("handoff-chosen.md", "handoff.md"))
    assert ["\n## Conversation\n" in text for text in (chosen, usual)] == [True, False]
    assert [text.count("Okapi ") > 200 for text in (chosen, usual)] == [True, False]
