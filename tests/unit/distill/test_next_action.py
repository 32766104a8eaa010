from __future__ import annotations

from carryover.distill.sections.next_action import next_actions
from carryover.model import AgentSummary, BackgroundTask, TurnEnd
from support.conversation import Conversation


def actions(talk: Conversation) -> list[str]:
    return next_actions(talk.digest)


def test_what_the_closing_text_announces_comes_next() -> None:
    talk = (
        Conversation()
        .user("Build the parser")
        .says("The parser works. Next: wire it into the reader. Let me know if you need more.")
    )

    assert actions(talk) == ["Next: wire it into the reader."]


def test_an_offer_that_waits_is_the_next_step() -> None:
    talk = Conversation().user("Build the parser").says("The parser works.\nShould the reader use it?")

    assert actions(talk) == ["Waits for the user's word on: Should the reader use it?"]


def test_an_interruption_is_named_as_the_users() -> None:
    talk = Conversation().user("Build the parser").event(TurnEnd(reason="interrupted"))

    assert actions(talk) == ["Stopped by the user's interruption; unfinished: Build the parser"]


def test_a_background_job_is_waited_for() -> None:
    talk = (
        Conversation()
        .user("Train it")
        .event(BackgroundTask(task_id="j", state="running", label="train"))
        .says("It is running.")
    )

    assert actions(talk) == ["Wait for what runs in the background: train"]


def test_the_agents_own_summary_of_what_comes_next_is_used_when_it_is_newer_than_the_prompt() -> None:
    talk = Conversation().user("Train it").says("It is running.")
    talk.event(AgentSummary(source="away", text="Goal: a trained model. Next action: compare it with the baseline."))

    assert actions(talk) == ["compare it with the baseline."]


def test_without_any_sign_the_end_of_the_last_answer_is_given_as_such() -> None:
    assert actions(Conversation().user("Build the parser").says("The parser works.")) == [
        "The last answer ended: The parser works."
    ]


def test_an_answer_that_says_nothing_is_not_quoted() -> None:
    assert actions(Conversation().user("Build the parser").says("OK.")) == [
        "The last turn was finished and nothing further was announced."
    ]


def test_without_a_task_nothing_comes_next() -> None:
    assert actions(Conversation().user("hello")) == []


def test_what_was_stopped_stays_unfinished_while_the_user_only_talks() -> None:
    talk = Conversation().user("Bake the long loaf").event(TurnEnd(reason="interrupted"))
    talk.user("Before you go on, where were we?").says("OK.")

    assert actions(talk) == ["Stopped before, and not finished since: Bake the long loaf"]


def test_what_was_stopped_is_finished_by_a_later_turn_that_worked_or_dropped_for_another_task() -> None:
    stopped = Conversation().user("Bake the long loaf").event(TurnEnd(reason="interrupted"))
    stopped.user("go on").ran("bake").says("The long loaf is baked.")
    dropped = Conversation().user("Bake the long loaf").event(TurnEnd(reason="interrupted"))
    dropped.user("New task: write the menu of the bakery").says("The menu is written.")

    assert actions(stopped) == ["The last answer ended: The long loaf is baked."]
    assert actions(dropped) == ["The last answer ended: The menu is written."]


def test_a_question_by_the_way_leaves_what_was_announced_before_it() -> None:
    talk = Conversation().user("Build the parser").says("The parser works. Next: wire it into the reader.")
    talk.user("Why is it recursive?").event(TurnEnd(reason="interrupted"))

    assert actions(talk) == [
        "Stopped by the user's interruption; unfinished: Why is it recursive?",
        "Next: wire it into the reader.",
    ]
