from __future__ import annotations

import pytest
from msgspec.structs import replace

from carryover.distill.digest import EditedFile
from carryover.distill.sections.entry import Entry
from carryover.distill.sections.files import RecentFile, recent_files
from carryover.distill.sections.open_questions import loose_ends, notes_in_files, open_entries, questions_beside
from carryover.distill.work.state import Item, Line
from carryover.facts import FileFacts, Marker
from carryover.model import Answer, BackgroundTask, PlanProposal, Question, QueuedPrompt, TurnEnd
from support.conversation import MINUTE_MS, ROOT, START_MS, Conversation


def built() -> Conversation:
    return Conversation().user("Build the cart and the till").edited("cart.py").says("Both are built.")


def entries(talk: Conversation) -> list[Entry]:
    recent = recent_files(talk.digest.touched, talk.digest.runs, {}, ROOT)
    return open_entries(talk.line, talk.digest, talk.digest.runs, recent, ROOT, talk.at_ms)


def texts(talk: Conversation) -> list[str]:
    return [entry.text for entry in entries(talk)]


def item(text: str, **more: object) -> Item:
    made = {"at_ms": 7, "session": "s1", "turn": 3, "rule": "left open in the answer", **more}
    return Item(text=text, **made)  # type: ignore[arg-type]


def test_where_nothing_is_open_nothing_is_said() -> None:
    assert entries(built()) == []


@pytest.mark.parametrize(
    ("prompt", "rule"),
    [
        ("does it handle tabs too?", "question of the user without an answer"),
        ("make it red", "prompt without an answer"),
    ],
    ids=["question", "short order"],
)
def test_the_newest_prompt_is_open_until_it_is_answered(prompt: str, rule: str) -> None:
    talk = built().user(prompt)

    assert entries(talk) == [
        Entry(
            text=f'The user asked, not answered yet: "{prompt}"',
            rule=rule,
            session="s1",
            turn=2,
            at_ms=talk.at_ms,
        )
    ]
    assert entries(talk.says("It is so.")) == []


@pytest.mark.parametrize("prompt", ["yes, please do all of that", "carry on with it", "ok", "weiter so, bitte"])
def test_a_go_ahead_is_no_open_question(prompt: str) -> None:
    assert texts(built().user(prompt)) == []


@pytest.mark.parametrize("prompt", ["rename `Cart` to `Basket` now", "Now write the menu of Nadia's bakery"])
def test_what_the_task_shows_is_not_asked_again(prompt: str) -> None:
    assert texts(Conversation().user(prompt)) == texts(built().user(prompt)) == []


def test_words_that_wait_in_the_queue_are_open_the_newest_two() -> None:
    talk = built()
    for text in ("and the docs?", "and the bell?", "and the door?"):
        talk.event(QueuedPrompt(text=text))

    assert texts(talk) == [
        'The user asked, not answered yet: "and the bell?"',
        'The user asked, not answered yet: "and the door?"',
    ]
    assert {entry.rule for entry in entries(talk)} == {"prompt that waits in the queue"}


def test_what_waited_two_turns_ago_and_an_agents_own_command_are_not_open() -> None:
    talk = built().event(QueuedPrompt(text="and the roof")).event(QueuedPrompt(text="/rate-limit-options"))

    assert texts(talk) == ['The user asked, not answered yet: "and the roof"']
    assert (
        texts(talk.user("Oil the door of `till.py`").says("Oiled.").user("And the bell of `till.py`").says("So is it."))
        == []
    )


def test_what_the_user_pasted_is_open_until_it_was_dealt_with() -> None:
    talk = built().user("KeyError: 'door'")

    assert texts(talk)[:1] == ["The user pasted, not dealt with yet: KeyError: 'door'"]
    assert texts(talk.edited("door.py").says("It was the door.")) == []


def test_a_question_of_a_tool_is_open_until_it_is_answered() -> None:
    talk = built().user("Set the cap").event(Question(call_id="q", text="Which cap?", options=("50", "none")))

    assert "Which cap? Options: 50; none" in texts(talk)
    assert "Which cap? Options: 50; none" not in texts(
        talk.event(Answer(call_id="q", question="Which cap?", text="50"))
    )


def test_a_question_of_the_assistant_is_open_with_its_options_the_newest_first() -> None:
    talk = (
        Conversation()
        .user("Bake the bread")
        .says("Which flour shall I take for it?\n- rye\n- spelt\n\nAnd shall I salt the dough in `dough.py`?")
    )

    assert [(entry.text, entry.session, entry.turn) for entry in entries(talk)] == [
        ("And shall I salt the dough in `dough.py`?", "s1", 1),
        ("Which flour shall I take for it? Options: rye; spelt", "s1", 1),
    ]


def test_a_question_by_the_way_leaves_the_assistants_question_open() -> None:
    talk = Conversation().user("Bake the bread").says("Which one?\n- rye\n- spelt")

    assert texts(talk.user("What is spelt?").says("An old kind of wheat.")) == ["Which one? Options: rye; spelt"]


def test_an_answer_closes_the_question() -> None:
    talk = Conversation().user("Bake the bread").says("Which one?\n- rye\n- spelt").user("B")

    assert texts(talk.edited("bread.py").says("It is baked.")) == []


def test_a_plan_that_waits_for_the_users_word_is_open() -> None:
    talk = built().event(PlanProposal(call_id="p", text="# Plan of carts\nsteps"))

    assert [(entry.text, entry.turn) for entry in entries(talk)] == [
        ("A plan waits for the user's word: Plan of carts", 1)
    ]
    assert texts(talk.event(PlanProposal(call_id="p", text="# Plan of carts", accepted=False))) == []


def test_an_error_that_ended_the_turn_is_open() -> None:
    talk = Conversation().user("Build the cart and the till").event(TurnEnd(reason="error", message="API overloaded"))

    assert texts(talk) == ["The newest turn ended in an error: API overloaded"]
    assert texts(Conversation().user("Build the cart and the till").event(TurnEnd(reason="limit", message="x"))) == []


def test_what_failed_last_in_a_turn_that_was_cut_off_is_open() -> None:
    talk = Conversation().user("Build the cart and the till").ran("npm run x", "Error: no such file", status="error")

    assert texts(talk) == ["Failed last, and not got past yet: `npm run x`: Error: no such file"]
    assert texts(talk.ran("npm run x", "ok")) == []


def test_an_edit_on_its_way_when_the_work_stopped_is_uncertain() -> None:
    talk = Conversation().user("Build the cart and the till").calls(f"{ROOT}/src/cart.py", op="edit", name="Edit")

    assert texts(talk) == ["Not known whether this edit was made: `src/cart.py`"]
    assert texts(talk.says("Both are built.")) == []


def test_tests_that_fail_are_open_by_their_newest_run() -> None:
    output = "FAILED tests/test_cart.py::test_cap - assert 1 == 2\n1 failed"
    talk = (
        built()
        .user("Run the tests of the cart in `cart.py`")
        .ran("pytest -q", output, status="error")
        .says("One fails.")
    )

    assert entries(talk) == [
        Entry(
            text="Tests fail (1 min before, `pytest -q`) tests/test_cart.py::test_cap: assert 1 == 2",
            rule="newest test run",
            session="s1",
            turn=2,
            at_ms=talk.at_ms - MINUTE_MS,
        )
    ]
    assert texts(talk.ran("pytest -q", "1 passed in 0.1s").says("All pass.")) == []


def test_tests_that_did_not_run_since_the_newest_edits_are_open() -> None:
    talk = built().ran("pytest -q", "3 passed in 0.1s").edited("till.py").edited("notes.md").says("The till rounds.")

    assert texts(talk) == ["Not run again since `till.py` changed: `pytest -q` (passed 3 min before)"]
    assert texts(talk.ran("pytest -q", "3 passed in 0.1s").says("All pass.")) == []


def test_tests_that_failed_and_did_not_run_since_are_one_entry() -> None:
    talk = built().ran("pytest -q", "1 failed", status="error").edited("till.py").says("The till rounds.")

    assert texts(talk) == ["Tests fail (2 min before, `pytest -q`); not run again since `till.py` changed"]


def test_jobs_that_run_on_are_open() -> None:
    talk = built()
    for name in ("deploy", "lint"):
        talk.event(BackgroundTask(task_id=name, state="running", label=name))

    assert texts(talk) == ["Not known yet, still running: deploy; lint"]


BESIDE = Line(
    id="s2:1",
    questions=(item("Which flour?", session="s2"), item("Should a pear cost two?", session="s2")),
    at_ms=START_MS,
)


def test_what_a_session_at_work_beside_asked_is_recognised_by_its_agents_name() -> None:
    line = Line(id="s1:1")

    assert [entry.text for entry in questions_beside(line, [BESIDE], {"s2": "Codex"}, {"s1"}, START_MS)] == [
        "Codex beside asked: Should a pear cost two?"
    ]
    assert [entry.text for entry in questions_beside(line, [BESIDE], {}, (), 0)] == [
        "Another session beside asked: Should a pear cost two?"
    ]


@pytest.mark.parametrize(
    ("line", "own", "since_ms"),
    [
        pytest.param(Line(id="s1:1"), {"s2"}, START_MS, id="on the line"),
        pytest.param(Line(id="s1:1"), {"s1"}, START_MS + 1, id="before the goal"),
        pytest.param(Line(id="s1:1", questions=BESIDE.questions), {"s1"}, START_MS, id="the line's own too"),
    ],
)
def test_other_questions_of_others_are_not(line: Line, own: set[str], since_ms: int) -> None:
    assert questions_beside(line, [BESIDE], {"s2": "Codex"}, own, since_ms) == []


def test_what_was_put_off_is_open_until_it_is_announced_again() -> None:
    line = Line(id="s1:1", postponed=(item("wire the bell"), item("oil the door")))

    assert [entry.text for entry in loose_ends(line, (), prompts=6)] == [
        "Announced, then other work came first: oil the door",
        "Announced, then other work came first: wire the bell",
    ]
    assert loose_ends(replace(line, announced=line.postponed), (), prompts=6) == []


def test_loose_ends_of_the_last_turns_come_newest_first_and_then_those_of_other_lines() -> None:
    line = Line(
        id="s1:1", loose_ends=tuple(item(f"{n}. is untested", at_ms=n, turn=n, weight=1.5) for n in range(1, 10))
    )
    other = Line(id="s2:1", loose_ends=tuple(item(f"{name} is untested") for name in "abc"))

    assert [entry.text for entry in loose_ends(line, [other], prompts=11)] == [
        "9. is untested",
        "8. is untested",
        "7. is untested",
        "6. is untested",
        "c is untested",
        "b is untested",
    ]


def test_notes_in_files_are_reported_with_their_place_three_at_most() -> None:
    edit = EditedFile(path=f"{ROOT}/cart.py", change="modify", at_ms=START_MS + MINUTE_MS)
    markers = tuple(Marker(line, f"TODO: round {line}") for line in range(1, 5))
    files = [
        RecentFile(path="till.py", touched=edit, status=None),
        RecentFile(path="cart.py", touched=edit, status=None, facts=FileFacts(exists=True, markers=markers)),
    ]

    assert [(entry.text, entry.rule) for entry in notes_in_files(files)] == [
        (f"TODO: round {line} (`cart.py` line {line})", "note in a file") for line in (1, 2, 3)
    ]


def test_what_stands_in_for_something_is_open_until_the_next_turn_only() -> None:
    charts = "The page is there. It has three parts.\n\n- Charts: only placeholders so far, in grey"
    talk = Conversation().user("Build the page with charts.html").edited("charts.html").says(charts)
    assert [entry.text for entry in loose_ends(talk.line, (), 1)] == ["Charts: only placeholders so far, in grey"]
    assert loose_ends(talk.line, (), 2) == []
    assert loose_ends(Line(id="other"), (talk.line,), 1) == []
