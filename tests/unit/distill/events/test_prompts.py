from __future__ import annotations

import pytest

from carryover.distill.digest import Digest, Pending, Prompt
from carryover.distill.view import Note
from carryover.model import PlanProposal, Question, QueuedPrompt, TurnEnd, UserPrompt
from support.conversation import Conversation

LOG = "2026-03-01 06:10:02 INFO heating\n2026-03-01 06:11:02 ERROR sensor lost\n2026-03-01 06:11:03 INFO open"
HANDOFF = (
    "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n## Task\n- Bake\nFull history: `carryover show a`"
)


def test_a_prompt_is_read_for_its_words_names_and_question() -> None:
    talk = Conversation().user("Look into `oven.py`. Does it heat?")

    assert talk.turn.prompt == Prompt(text="Look into `oven.py`. Does it heat?", words=6, names=("oven.py",), asks=True)
    assert (talk.turn.number, talk.turn.session, talk.turn.at_ms, talk.digest.prompts) == (1, "s1", talk.at_ms, 1)


def test_a_slash_command_is_shown_with_its_words() -> None:
    assert Conversation().user("apply for the grant", "/apply").turn.prompt == Prompt(
        text="/apply apply for the grant", words=5, command="/apply"
    )
    assert Conversation().user("", "/publish").turn.prompt == Prompt(text="/publish", words=1, command="/publish")


def test_what_was_pasted_is_kept_by_the_line_that_says_most() -> None:
    prompt = Conversation().user(f"Find out why it stops:\n\n{LOG}").turn.prompt

    assert (prompt.text, prompt.words, prompt.asks) == ("Find out why it stops:", 5, False)
    assert prompt.pasted == "2026-03-01 06:11:02 ERROR sensor lost"


def test_what_was_pasted_without_an_error_is_kept_by_its_beginning() -> None:
    prompt = Conversation().user('Take this:\n\n{\n  "loaf": "rye",\n  "kg": 2\n}').turn.prompt

    assert (prompt.text, prompt.pasted) == ("Take this:", '{ "loaf": "rye", "kg": 2 }')


def test_rules_are_those_of_the_typed_words_only() -> None:
    talk = Conversation().user(f"Find out why it stops. Never open the door.\n\n{LOG}\nAlways do this\n{LOG}")

    assert [rule.text for rule in talk.turn.rules] == ["Never open the door."]


def test_an_error_in_english_by_somebody_who_writes_in_another_language_was_pasted() -> None:
    talk = Conversation().user("Собери печь и поставь её у двери").says("Готово.")
    prompt = talk.user("the sensor of the oven is not found in the list").turn.prompt

    assert (prompt.text, prompt.pasted) == ("", "the sensor of the oven is not found in the list")
    assert talk.digest.tongue == "ru"
    assert Conversation().user("the sensor of the oven is not found in the list").turn.prompt.pasted == ""


@pytest.mark.parametrize("text", ["", "  \n ", HANDOFF])
def test_a_prompt_without_words_begins_no_turn(text: str) -> None:
    assert Conversation().user(text).digest == Digest()


def test_what_a_model_wrote_as_a_prompt_begins_no_turn() -> None:
    assert Conversation().event(UserPrompt(text="Fix the cart", actor="model")).digest == Digest()


def test_attachments_alone_begin_a_turn() -> None:
    assert Conversation().event(UserPrompt(text="", attachments=1)).turn.prompt == Prompt()


def test_being_pointed_at_the_handoff_is_a_turn_that_says_to_go_on() -> None:
    talk = Conversation().user("Read .carryover/handoff.md, then go on with the task it describes.")

    assert talk.turn.prompt == Prompt(text="continue", words=1)
    assert (talk.turn.number, talk.digest.prompts, talk.user("Bake").turn.number) == (1, 1, 2)


def test_of_a_very_long_prompt_beginning_and_end_are_kept() -> None:
    prompt = Conversation().user("Bake " + "a loaf, " * 900 + "and sell it").turn.prompt

    assert len(prompt.text) <= 1500
    assert (prompt.text[:5], prompt.text[-11:], prompt.words) == ("Bake ", "and sell it", 1 + 2 * 900 + 3)


def test_a_finished_turn_becomes_a_line_of_progress_when_the_next_begins() -> None:
    talk = Conversation().user("Add a discount").edited("cart.py").ran("pytest -q", "1 passed in 0.1s")
    talk.says("The discount works now. Anything else?")
    done_ms = talk.at_ms
    talk.user("Wire it into the checkout page please")

    assert talk.notes == [
        Note(
            kind="progress",
            text="Add a discount → The discount works now. [edited cart.py; tests pass]",
            at_ms=done_ms,
        )
    ]


def test_lasting_rules_of_a_prompt_are_kept_for_the_project_and_others_are_not() -> None:
    talk = Conversation().user("Never touch the schema. The till should round. Do not push for now.")

    assert [rule.weight for rule in talk.turn.rules] == [3.0, 1.5, 2.0]
    assert talk.notes == [Note(kind="decision", text="Never touch the schema.", at_ms=talk.at_ms, weight=3)]


def test_the_turn_before_is_read_and_its_text_no_longer_kept() -> None:
    talk = Conversation().user("Build the cart").says("It is built. Next I will wire it.").user("go on")
    before = talk.digest.turns[0]

    assert (before.text, before.report is not None and before.report.outcome) == ("", "It is built.")


def test_a_turn_that_was_cut_off_keeps_what_it_did_and_what_was_in_flight() -> None:
    talk = Conversation().user("Train it").says("I'll train it.", final=False).calls("python train.py").user("stop")
    before = talk.digest.turns[0]

    assert (before.report, before.text, before.doing, before.in_flight) == (
        None,
        "",
        "I'll train it.",
        "python train.py",
    )


def test_a_prompt_puts_an_end_to_what_waited() -> None:
    talk = Conversation().user("Train it").calls("python train.py").event(Question(call_id="q", text="Which?"))
    talk.event(PlanProposal(call_id="p", text="# Plan")).event(TurnEnd(reason="error")).user("Bake bread instead")

    assert (talk.digest.calls, talk.digest.questions, talk.digest.proposal, talk.digest.ending) == ((), (), None, None)


def test_words_typed_while_the_agent_works_wait_until_they_are_delivered() -> None:
    talk = Conversation().user("Build it").event(QueuedPrompt(text="and\nthe docs?"))
    assert talk.digest.queued == (Pending(id="s1:2", text="and the docs?", at_ms=talk.at_ms, turn=1),)

    assert talk.user("and the docs?").digest.queued == ()


def test_words_taken_back_from_the_queue_are_forgotten() -> None:
    talk = Conversation().user("Build it").event(QueuedPrompt(text="stop")).event(QueuedPrompt(text="go on"))

    assert [waiting.text for waiting in talk.event(QueuedPrompt(text="stop", change="withdrawn")).digest.queued] == [
        "go on"
    ]


def test_taking_work_back_makes_it_a_failed_approach() -> None:
    talk = Conversation().user("Move the API to a class").says("Moved.")
    talk.user("go back to plain functions, that was nicer")

    assert [(f.tried, f.why, f.undone, f.turn) for f in talk.digest.failures] == [
        ("Move the API to a class", "the user took it back: go back to plain functions, that was nicer", True, 2)
    ]


def test_what_is_asked_again_as_it_was_takes_nothing_back() -> None:
    again = "do not touch the till, go back to plain functions"
    talk = Conversation().user(again).event(TurnEnd(reason="interrupted")).user(again)

    assert talk.digest.failures == ()


@pytest.mark.parametrize(
    "prompt", ["vuelve a revisar la masa", "torna a controllare il forno", "volta a verificar o pão"]
)
def test_doing_something_again_takes_nothing_back(prompt: str) -> None:
    assert Conversation().user("Bake a loaf").says("Baked.").user(prompt).digest.failures == ()


def test_a_ban_after_an_answer_takes_nothing_back() -> None:
    assert Conversation().user("Bake a loaf").says("Baked.").user("no raisins in it, please").digest.failures == ()


def test_an_error_that_is_pasted_again_failed_once() -> None:
    talk = Conversation().user(f"Find out why:\n\n{LOG}").says("I look.").user(f"Still there:\n\n{LOG}")

    assert [(f.tried, f.why, f.turn) for f in talk.digest.failures] == [
        ("reported by the user", "2026-03-01 06:11:02 ERROR sensor lost", 2)
    ]


@pytest.mark.parametrize(
    "text", ["http://localhost:4150/bread -> Not Found", "GET /bread => 500", "oven.py --bake → TypeError: no dough"]
)
def test_a_prompt_that_is_a_call_and_its_error_reports_a_failure(text: str) -> None:
    failure = Conversation().user("Bake").says("Baked.").user(text).digest.failures[-1]

    assert (failure.tried, failure.why) == ("reported by the user", text)


@pytest.mark.parametrize(
    "text", ["rename oven.py -> stove.py", "bread -> Not Found", "Look at /bread, it is not found"]
)
def test_other_prompts_report_none(text: str) -> None:
    assert Conversation().user("Bake").says("Baked.").user(text).digest.failures == ()


def test_what_is_taken_back_is_the_turn_that_the_words_are_about() -> None:
    talk = Conversation().user("Put caraway into the dough").edited("dough.txt").says("Caraway is in.")
    talk.user("Heat the oven").edited("oven.py").says("It is hot.")
    talk.user("List the trays").event(TurnEnd(reason="interrupted"))

    assert talk.user("Undo the caraway").digest.failures[-1].tried == "Put caraway into the dough"


def test_what_is_taken_back_without_a_name_is_the_newest_work() -> None:
    talk = Conversation().user("Put caraway into the dough").edited("dough.txt").says("Caraway is in.")
    talk.user("List the trays").event(TurnEnd(reason="interrupted"))

    assert talk.user("undo it").digest.failures[-1].tried == "Put caraway into the dough"


@pytest.mark.parametrize("marks", ["^", "...", "?"])
def test_nothing_but_marks_points_at_what_was_said(marks: str) -> None:
    talk = Conversation().user("Bake the rye").user(marks)

    assert talk.turn.prompt == Prompt(text="continue", words=1)


def test_a_go_ahead_in_a_mode_of_the_client_is_one() -> None:
    assert Conversation().user("yes, go ahead!", "/code").turn.prompt == Prompt(text="yes, go ahead!", words=3)


def test_a_list_that_was_pasted_reports_no_error() -> None:
    lead = "This is what the review said:"
    talk = Conversation().user(
        f"{lead}\n\nIt says a lot about the oven and about the door.\n\n## Error handling\n\n- no error is lost"
    )

    assert (talk.digest.failures, talk.turn.prompt.text) == ((), lead)
