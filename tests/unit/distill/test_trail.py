"""Which turn leads: the newest that worked, however much was only talked since."""

from __future__ import annotations

import pytest

from carryover.distill.quotes import earlier
from carryover.distill.trail import Past, is_talk, parallel_sessions, past_of, task_of
from carryover.model import PlanItem, PlanUpdate, TurnEnd
from support.conversation import Conversation, handoff, project, session, worked


def past(*talks: Conversation, own: str | None = None) -> Past:
    found = past_of(project(*talks), now_ms=max(talk.at_ms for talk in talks), own=own)
    assert found is not None
    return found


def talked(name: str, *, hours: int) -> Conversation:
    talk = session(name, hours=hours, agent="codex").user("What does the cart do?")
    return talk.ran("cat cart.py", "x = 1").says("It adds up prices.")


@pytest.mark.parametrize(
    ("talk", "mere"),
    [
        (Conversation().user("continue"), True),
        (talked("s1", hours=0), True),
        (Conversation().user("Danke!").says("Gern."), True),
        (Conversation().user("").says("What shall I do?"), True),
        (worked("s1"), False),
        (Conversation().user("Deploy it.").ran("make deploy").says("Done."), False),
        (Conversation().user("Read the cart.").ran("cat cart.py", "x = 1"), False),
        (Conversation().user("Explain it.").event(TurnEnd(reason="limit")), False),
        (Conversation().user("Explain it.").says("The cart adds up prices. " * 60), False),
        (Conversation().user("The cart must add up prices in cents. " * 9).says("Noted."), False),
        (Conversation().edited("cart.py"), False),
    ],
)
def test_a_short_question_and_a_short_answer_without_any_change_are_talk(talk: Conversation, mere: bool) -> None:
    assert is_talk(talk.turn) is mere


def test_talk_never_replaces_work_and_without_any_work_the_newest_leads() -> None:
    found = past(worked("s1"), talked("s2", hours=1), talked("s3", hours=2))

    assert (found.main.turn.session, found.lead.session) == ("s1", "s1")
    assert [step.turn.session for step in found.steps[found.main_at + 1 :]] == ["s2", "s3"]
    assert past(talked("s1", hours=0), talked("s2", hours=1)).lead.session == "s2"
    assert past(worked("s1"), worked("s2", hours=1), own="unknown").lead.session == "s2"
    assert past(worked("s1").user("Now the same for each receipt. " * 9)).main.turn.number == 1


def test_sessions_at_the_same_time_are_parallel_and_those_before_and_that_only_talked_are_not() -> None:
    lead = worked("s3", hours=2)
    lead.user("Now the tax.").edited("tax.py").says("Done.")
    beside = worked("s2", "Add a logo.", hours=2)
    found = past(worked("s1"), beside, lead, talked("s4", hours=2))

    assert [each.session for each in parallel_sessions(found.view, found.lead)] == ["s2"]


def test_a_turn_is_named_with_as_much_of_its_sessions_id_as_tells_it_apart() -> None:
    ids = ("c0de0000-aaaa-1", "c0de0000-aaaa-2", "beef0000-1")
    found = past(*(worked(name, hours=at) for at, name in enumerate(ids)))
    alone = past(worked(ids[0]), worked(ids[2], hours=2))

    assert [found.place(step) for step in found.steps] == [
        "turn 1 of c0de0000-aaaa-1, 2 h earlier",
        "turn 1 of c0de0000-aaaa-2, 62 min earlier",
        "turn 1, 2 min earlier",
    ]
    assert alone.place(alone.steps[0]) == "turn 1 of c0de0000, 2 h earlier"


@pytest.mark.parametrize(
    ("talk", "settled"),
    [
        (worked("s1"), True),
        (worked("s1").user("Thanks!").says("You're welcome."), True),
        (worked("s1").user("Now the tax."), False),
        (Conversation().user("Add it.").edited("cart.py").says("Done. Shall I test it?"), False),
        (worked("s1").event(PlanUpdate(items=(PlanItem(text="Add a tax"),))), False),
        (worked("s1").user("Now the tax.").event(TurnEnd(reason="limit")), False),
    ],
)
def test_nothing_is_settled_while_something_is_open(talk: Conversation, settled: bool) -> None:
    assert handoff(talk).settled is settled


@pytest.mark.parametrize(
    ("prompts", "task"),
    [
        (("hi", "Add a discount."), "Add a discount."),
        (("ok", "yes"), "ok"),
        (("Look:\n\n```\nlog\n```\n\nWhy?",), "Look: Why?"),
        (("",), None),
    ],
)
def test_what_a_session_is_about_is_its_first_prompt_that_says_something(
    prompts: tuple[str, ...], task: str | None
) -> None:
    talk = Conversation()
    for prompt in prompts:
        talk.user(prompt).says("Yes.")

    assert task_of(talk.digest) == task


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, ""), (20, ""), (89 * 60, "89 min earlier"), (2 * 3600, "2 h earlier"), (5 * 86_400, "5 days earlier")],
)
def test_a_time_is_given_as_how_long_earlier_it_was(seconds: int, said: str) -> None:
    assert earlier(1_000_000_000 - seconds * 1000, 1_000_000_000) == said
