from __future__ import annotations

import pytest

from carryover.distill.sections.entry import Entry
from carryover.distill.sections.task import task_entries
from carryover.distill.work.state import Item, Line
from carryover.model import PlanProposal
from support.conversation import Conversation


def lines(talk: Conversation) -> list[str]:
    return [entry.text for entry in task_entries(talk.line)]


def item(text: str, *, rule: str = "newest request") -> Item:
    return Item(text=text, at_ms=7, session="s1", turn=3, rule=rule)


def test_the_task_is_in_the_users_words_on_one_line() -> None:
    assert lines(Conversation().user("Add a discount:\n- capped\n- tested")) == ["Add a discount: capped; tested"]


def test_a_slash_commands_arguments_are_the_task() -> None:
    assert lines(Conversation().user("apply for the engineering grant", "/apply")) == [
        "/apply apply for the engineering grant"
    ]


def test_a_command_alone_that_was_worked_on_stands_below_the_goal() -> None:
    talk = Conversation().user("Write the poems").says("ok").user("", "/publish").ran("make publish").says("Published.")

    assert lines(talk) == ["Write the poems", "Then: /publish"]


def test_a_yes_carries_the_offer_it_agreed_to() -> None:
    talk = (
        Conversation()
        .user("Build the parser")
        .says("Built.\n\nShall I add the error messages as well?")
        .user("yes to all")
    )

    assert lines(talk) == ["Build the parser", 'Answered "yes to all" to: Shall I add the error messages as well?']


def test_a_go_ahead_carries_what_was_announced() -> None:
    talk = Conversation().user("Build the parser").edited("parser.py").says("Built. Next I will write the errors.")
    talk.user("go on").edited("errors.py").says("They are written.")

    assert lines(talk) == ["Build the parser", "Agreed to: Next I will write the errors."]


def test_a_polite_order_is_no_go_ahead() -> None:
    talk = Conversation().user("Build the parser").edited("parser.py").says("Built. Next I will write the errors.")
    talk.user("please make the messages a bit shorter").edited("messages.py").says("They are shorter.")

    assert lines(talk) == ["Build the parser", "Then: please make the messages a bit shorter"]


def test_an_accepted_plan_is_the_step() -> None:
    talk = Conversation().user("Build the parser").event(PlanProposal(call_id="p", text="# Parse by hand\nsteps"))
    talk.event(PlanProposal(call_id="p", text="# Parse by hand\nsteps", accepted=True))
    talk.user("go on").event(PlanProposal(call_id="q", text="## Then lex", accepted=True)).edited("a.py").says("Done.")

    assert lines(talk) == ["Build the parser", "Agreed to: Then lex"]


def test_a_request_that_points_back_stands_below_the_goal_it_follows_on() -> None:
    talk = Conversation().user("Add a discount to the cart").says("Done.").user("please wire it into the checkout page")
    talk.edited("checkout.py").says("It is wired in.")

    assert lines(talk) == ["Add a discount to the cart", "Then: please wire it into the checkout page"]


@pytest.mark.parametrize("aside", ["why won't you run it?", "who wrote that file?", "thanks", "commit!"])
def test_what_is_said_by_the_way_does_not_end_the_task(aside: str) -> None:
    talk = Conversation().user("Add a discount to the cart").says("Done.").user(aside).says("All right.")

    assert lines(talk) == ["Add a discount to the cart"]


def test_being_told_to_read_the_handoff_is_no_task() -> None:
    pointed = Conversation().user("Read .carryover/handoff.md, then go on with the task it describes.")
    pointed.says("It is about the cart.")

    assert lines(pointed.user("Wire it into the checkout page")) == ["Wire it into the checkout page"]


@pytest.mark.parametrize(
    ("step", "waits", "shown"),
    [
        (item("wire it in"), True, "Now: wire it in"),
        (item("wire it in"), False, "Then: wire it in"),
        (item("wire it in", rule="what the user agreed to"), False, "Agreed to: wire it in"),
        (item("The plan", rule="plan the user accepted"), True, "Agreed to: The plan"),
        (item('Answered "2" to: Which?', rule="answer of the user"), True, 'Answered "2" to: Which?'),
    ],
    ids=["waits", "done", "agreed", "plan", "answer"],
)
def test_the_step_says_what_it_is(step: Item, waits: bool, shown: str) -> None:
    goal = item("Wire the bakery", rule="first request")
    of_goal, of_step = task_entries(Line(id="s1:1", goal=goal, step=step, step_waits=waits))

    assert of_goal.text == "Wire the bakery"
    assert of_step == Entry(text=shown, rule=step.rule, session="s1", turn=3, at_ms=7)


def test_where_no_goal_is_known_the_step_is_the_task() -> None:
    assert [entry.text for entry in task_entries(Line(id="s1:1", step=item("wire it in")))] == ["wire it in"]


def test_while_the_goal_is_in_doubt_the_one_before_it_comes_last() -> None:
    line = Line(id="s1:4", goal=item("Bake rye"), step=item("in tins"), former_goal=item("Bake\n- spelt"))

    assert [entry.text for entry in task_entries(line)] == ["Bake rye", "Then: in tins", "Before that: Bake; spelt"]


def test_long_words_are_cut_so_that_three_lines_have_room() -> None:
    goal, step, former = (item(f"{word} " * 200) for word in ("goal", "step", "word"))
    line = Line(id="s1:1", goal=goal, step=step, former_goal=former)

    assert [len(entry.text) <= most for entry, most in zip(task_entries(line), (260, 226, 174), strict=True)] == [
        True, True, True,
    ]  # fmt: skip


def test_a_line_without_goal_or_step_says_nothing() -> None:
    assert task_entries(Line(id="s1:1")) == []


def test_a_prompt_that_was_sent_again_is_reported_once() -> None:
    line = Line(id="s1:1", goal=item("Bake the rye bread", rule="first request"), step=item("Bake the rye bread"))

    assert [entry.text for entry in task_entries(line)] == ["Bake the rye bread"]


def test_a_template_that_was_carried_out_is_not_shown() -> None:
    template = (
        "## User Input\n\n```text\n\n```\n\nYou MUST consider the user input before proceeding.\n\n## Outline\n\n"
        + "Run the script and read what it prints. " * 12
    )
    talk = Conversation().user("Label each loaf in `labels.py`, on both sides, and print the labels")
    talk.ran("labels.py", op="edit", name="Edit").edited("labels.py").says("They are printed.").user(template)
    begun = lines(talk)
    talk.ran("labels.py", op="edit", name="Edit").edited("labels.py").says("The plan is written. It has two parts.")

    assert (len(begun), len(lines(talk))) == (2, 1)
