"""The recorded histories of 0.86.2: what was typed, answered, changed and run, as the scenarios say."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.aider.chats import of
from agents.aider.contract_case import recording
from carryover import model
from carryover.agents.aider.adapter import AGENT
from contract.case import read_on, source_at

TASK = (
    "discount() must return whole cents: fix pricing.py so that the tests pass. "
    "Constraint: keep prices as integers, never floats."
)
TESTS = "python3 -m unittest -q"


def events(name: str) -> list[model.Event]:
    return read_on(AGENT, source_at(AGENT, recording(name))).events


def results(name: str) -> list[tuple[str, str, str]]:
    return [(result.name, Path(result.subject).name, result.status) for result in of(events(name), model.ToolResult)]


@pytest.mark.parametrize(
    ("name", "prompts"),
    [
        ("story", [TASK, "Use half-up rounding instead", "What is left to do?"]),
        (
            "commands",
            [
                "First line of the prompt\n\n# third line looks like a heading",
                "Fix it with int()",
                "how do I run the tests?",
            ],
        ),
        ("interrupt", ["Explain rounding", "go on", "Explain again"]),
        ("hangup", [f"Say something before {end}" for end in ("SIGTERM", "SIGHUP", "EOF", "two ^C")]),
        ("resume", ["Fix rounding in pricing.py", "Which colour for the button?", *["What did we do?"] * 2]),
        ("autotest", ["Fix rounding in pricing.py"]),
        ("failededit", ["Fix rounding", "Add cart.py", "Fix rounding", "Fix rounding"]),
        ("lint", ["Fix rounding in pricing.py"]),
        ("ratelimit", ["Make discount() return whole cents", "Now make total() round once per cart"]),
        ("quota", ["Fix rounding", "Fix rounding"]),
        ("concurrent", ["alpha one", "beta one", "alpha two"]),
        ("watch", []),
        ("noncoding", ["Suggest a vegetarian menu for six people on Saturday", "Yes, please write it"]),
        ("notify", ["first", "second", "Hello", "first"]),
    ],
)
def test_prompts_as_they_were_typed_and_nothing_else(name: str, prompts: list[str]) -> None:
    assert [prompt.text for prompt in of(events(name), model.UserPrompt)] == prompts


def test_an_older_client_writes_the_same() -> None:
    """0.82.3, one prompt a session: a failed edit, one that works, a question, and a key that is refused."""
    found = read_on(AGENT, source_at(AGENT, recording("work", "0.82.3"))).events

    assert [prompt.text for prompt in of(found, model.UserPrompt)] == [
        "Make discount() in pricing.py return whole cents, never floats",
        "Why integers?",
        "Say it again",
    ]
    assert [(result.name, result.status) for result in of(found, model.ToolResult)] == [
        ("edit", "error"),
        ("edit", "ok"),
        ("commit", "ok"),
    ]
    assert [end.reason for end in of(found, model.TurnEnd)] == ["error"]
    assert {info.agent_version for info in of(found, model.SessionInfo)} == {"0.82.3"}


def test_tests_fail_and_pass_and_edits_fail_and_work() -> None:
    assert results("story") == [
        ("test", TESTS, "error"),
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
        ("edit", "pricing.py", "error"),
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
        ("test", TESTS, "ok"),
    ]
    assert results("autotest") == [
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
        ("test", TESTS, "error"),
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
    ]


def test_what_was_not_applied_is_no_edit_and_a_new_file_is_one() -> None:
    """Four failed edits, a new file without a commit, a dry run, and an edit of a file with changes of the user's own,
    which Aider commits first."""
    edits = of(events("failededit"), model.FileEdit)

    assert [(Path(edit.path).name, edit.change) for edit in edits] == [("cart.py", "add"), ("pricing.py", "modify")]
    assert [status for name, _, status in results("failededit") if name == "edit"] == [
        *["error"] * 4,
        "ok",
        "unknown",
        "ok",
    ]
    assert [end.message for end in of(events("failededit"), model.TurnEnd)] == ["Only 3 reflections allowed, stopping."]
    assert [name for name, _, _ in results("failededit")].count("commit") == 1


def test_what_was_undone_does_not_count() -> None:
    found = events("commands")
    [undone] = of(found, model.Retracted)
    [edit] = [event.key for event in found if isinstance(event.body, model.FileEdit)]

    assert edit in undone.keys
    assert set(undone.keys) <= {event.key for event in found}


def test_an_interrupted_answer_is_kept_as_far_as_it_came() -> None:
    found = events("interrupt")
    first, second = of(found, model.AssistantMessage)

    assert first.aborted
    assert first.text.startswith("I am thinking about a long answer")
    assert (second.text, second.aborted) == ("As I was saying.", False)
    assert [end.reason for end in of(found, model.TurnEnd)] == ["interrupted"]


@pytest.mark.parametrize(("name", "reason"), [("ratelimit", "limit"), ("quota", "error")])
def test_the_last_refusal_ends_the_turn(name: str, reason: str) -> None:
    """Aider tries again eight times and writes each refusal down."""
    [end] = of(events(name), model.TurnEnd)

    assert end.reason == reason
    assert end.message.startswith("litellm.")


def test_the_linter_fails_with_its_output() -> None:
    [lint] = [result for result in of(events("lint"), model.ToolResult) if result.name == "lint"]

    assert lint.status == "error"
    assert "flake8" in lint.subject
    assert "SyntaxError: '(' was never closed" in lint.output
