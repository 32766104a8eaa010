from __future__ import annotations

import pytest

from carryover.distill.digest import SeenRun
from carryover.distill.sections.entry import Entry
from carryover.distill.sections.progress import note_of, passing_run, progress_entries
from carryover.distill.testruns.run import Status, TestRun
from carryover.distill.view import Note
from carryover.model import TurnEnd
from support.conversation import MINUTE_MS, START_MS, Conversation

NAMES = {"claude-code": "Claude Code", "codex": "Codex"}


def note(talk: Conversation) -> str | None:
    found = note_of(talk.digest)
    return None if found is None else found.text


def test_a_turn_is_described_by_what_was_asked_what_it_says_came_out_and_what_shows_it() -> None:
    talk = Conversation().user("Add a discount").edited("cart.py").ran("pytest -q", "1 passed in 0.1s")
    talk.says("The discount works now. Anything else?")

    assert note_of(talk.digest) == Note(
        kind="progress",
        text="Add a discount → The discount works now. [edited cart.py; tests pass]",
        at_ms=talk.at_ms,
    )


@pytest.mark.parametrize(
    ("talk", "text"),
    [
        pytest.param(
            Conversation().user("Commit it").ran("git commit -m x", "[main f0bf20a] Add a bell\n 1 file").says("Done."),
            "Commit it → Done. [committed: Add a bell (f0bf20a)]",
            id="commit",
        ),
        pytest.param(
            Conversation().user("Build it").edited("a.py").edited("b.py").edited("c.py").edited("d.py").says("Built."),
            "Build it → Built. [edited b.py, c.py, d.py and 1 more]",
            id="many files",
        ),
        pytest.param(
            Conversation().user("Build it").ran("pytest -q", "1 failed in 0.1s", status="error").says("One fails."),
            "Build it → One fails. [tests fail]",
            id="failing tests",
        ),
        pytest.param(
            Conversation().user("Build it").edited("a.py").event(TurnEnd(reason="limit")),
            "Build it → not finished [edited a.py]",
            id="cut off",
        ),
        pytest.param(
            Conversation().user("Build it in `cart.py`"), "Build it in `cart.py` → not finished", id="at work"
        ),
        pytest.param(
            Conversation().user("Why is it slow?").says("It reads the whole list of loaves for each loaf once again."),
            "Why is it slow? → It reads the whole list of loaves for each loaf once again.",
            id="telling answer",
        ),
        pytest.param(
            Conversation().user("KeyError: 'door'").edited("a.py").says("Fixed the door."),
            "KeyError: 'door' → Fixed the door. [edited a.py]",
            id="pasted",
        ),
        pytest.param(Conversation().user("thanks").says("You're welcome."), None, id="talk"),
        pytest.param(Conversation(), None, id="nothing"),
    ],
)
def test_a_turn_that_came_to_something_has_a_note(talk: Conversation, text: str | None) -> None:
    assert note(talk) == text


def test_long_words_are_cut_so_that_what_shows_them_has_room() -> None:
    talk = Conversation().user("Bake " + "a loaf and " * 40).edited("a.py").says("It is baked " + "and cooled " * 40)
    text = note(talk)

    assert text is not None
    assert len(text) <= 110 + 3 + 140 + len(" [edited a.py]")
    assert text.endswith("… [edited a.py]")


def run(status: Status, *, minute: int, passed: int | None = None) -> SeenRun:
    made = TestRun(runner="pytest", status=status, passed=passed)
    return SeenRun(run=made, at_ms=START_MS + minute * MINUTE_MS, command="pytest `-q`", turn=4, session="s1")


def test_how_the_tests_are_run_is_reported_where_the_newest_run_passed() -> None:
    assert passing_run([run("pass", minute=2, passed=7), run("fail", minute=1)], START_MS + 5 * MINUTE_MS) == [
        Entry(
            text="3 min before: tests pass with `pytest -q` (7 passed)",
            rule="newest test run",
            session="s1",
            turn=4,
            at_ms=START_MS + 2 * MINUTE_MS,
        )
    ]
    assert passing_run([run("pass", minute=1), run("fail", minute=2)], START_MS) == []
    assert passing_run([], START_MS) == []


def test_finished_steps_and_the_last_turn_of_each_session_come_newest_first() -> None:
    one = Conversation().user("Add a discount").edited("cart.py").says("It works.")
    two = (
        Conversation(session="s2", agent="codex", at_ms=one.at_ms)
        .user("Add a bell")
        .edited("bell.py")
        .says("It rings.")
    )
    older = Note(kind="progress", text="Add a door → Shut.", at_ms=START_MS, agent="aider")
    rule = Note(kind="decision", text="Never slam it.", at_ms=START_MS, weight=3)

    assert progress_entries([older, rule], [one.view(), two.view()], NAMES, two.at_ms + MINUTE_MS) == [
        Entry(
            text="1 min before, Codex: Add a bell → It rings. [edited bell.py]",
            rule="turn that came to something",
            session="s2",
            turn=1,
            at_ms=two.at_ms,
        ),
        Entry(
            text="4 min before, Claude Code: Add a discount → It works. [edited cart.py]",
            rule="turn that came to something",
            session="s1",
            turn=1,
            at_ms=one.at_ms,
        ),
        Entry(text="7 min before, aider: Add a door → Shut.", rule="turn that came to something", at_ms=START_MS),
    ]


def test_at_most_eight_steps_are_reported() -> None:
    notes = [Note(kind="progress", text=f"step {n}", at_ms=START_MS + n) for n in range(12)]

    assert [entry.text for entry in progress_entries(notes, [], NAMES, START_MS)] == [
        f"just before: step {n}" for n in range(11, 3, -1)
    ]


def test_steps_of_one_time_stay_in_the_order_of_the_ledger() -> None:
    notes = [Note(kind="progress", text=text, at_ms=START_MS) for text in ("the newest", "before it", "at first")]

    assert [entry.text.partition(": ")[2] for entry in progress_entries(notes, [], {}, START_MS)] == [
        "the newest",
        "before it",
        "at first",
    ]
