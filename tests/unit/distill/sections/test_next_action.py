from __future__ import annotations

from carryover.distill.sections.next_action import next_entries
from carryover.distill.work.state import Item, Line
from carryover.model import AgentSummary, BackgroundTask, PlanItem, PlanState, PlanUpdate, TurnEnd
from support.conversation import Conversation


def actions(talk: Conversation) -> list[str]:
    return [entry.text for entry in next_entries(talk.line, talk.digest)]


def rules(talk: Conversation) -> list[str]:
    return [entry.rule for entry in next_entries(talk.line, talk.digest)]


def plan(**items: PlanState) -> PlanUpdate:
    return PlanUpdate(items=tuple(PlanItem(text=text, state=state) for text, state in items.items()))


def test_what_the_closing_text_announces_comes_next() -> None:
    talk = (
        Conversation()
        .user("Build the parser")
        .says("The parser works. Next: wire it into the reader. Let me know if you need more.")
    )

    assert actions(talk) == ["Next: wire it into the reader."]


def test_an_offer_that_waits_is_the_next_step() -> None:
    talk = Conversation().user("Build the parser").says("The parser works.\nShould the reader be rewritten to use it?")

    assert actions(talk) == ["Waits for the user's word on: Should the reader be rewritten to use it?"]


def test_what_was_cut_off_at_once_is_still_to_begin() -> None:
    talk = Conversation().user("Build the parser").event(TurnEnd(reason="interrupted"))

    assert actions(talk) == ["Stopped by the user's interruption. Begin: Build the parser"]


def test_what_was_cut_off_at_work_continues_where_the_agent_was() -> None:
    talk = Conversation().user("Build the parser").ran("ls").says("I'll write the lexer first.", final=False)

    assert actions(talk) == ["I'll write the lexer first."]
    assert actions(talk.event(TurnEnd(reason="limit"))) == [
        "Stopped by its usage limit at: I'll write the lexer first."
    ]


def test_an_error_is_not_said_to_have_stopped_the_work() -> None:
    talk = Conversation().user("Build the parser").event(TurnEnd(reason="error", message="overloaded"))

    assert actions(talk) == ["Begin: Build the parser"]


def test_a_call_in_flight_comes_after_the_last_words() -> None:
    talk = Conversation().user("Train the model").says("I'll train it now.", final=False).calls("python `train`.py")

    assert actions(talk) == [
        "I'll train it now.",
        "In flight when it stopped, no result recorded: `python train.py`",
    ]
    assert rules(talk) == ["last words before the turn was cut off", "call without a result"]


def test_a_background_job_is_waited_for() -> None:
    talk = (
        Conversation()
        .user("Train the model")
        .event(BackgroundTask(task_id="j", state="running", label="train"))
        .event(BackgroundTask(task_id="k", state="running", label="lint"))
        .says("It is running.")
    )

    assert actions(talk) == ["Wait for what runs in the background: train; lint"]


def test_the_agents_own_summary_of_what_comes_next_is_used_while_it_is_newer_than_the_prompt() -> None:
    talk = Conversation().user("Train the model").says("It is running. Next I will wait.")
    talk.event(AgentSummary(source="away", text="Goal: a trained model. Next action: compare it with the baseline."))

    assert actions(talk) == ["compare it with the baseline.", "Next I will wait."]
    assert actions(talk.user("And then stop, please").says("OK.")) == ["Next I will wait."]


def test_without_any_sign_nothing_is_said_to_come() -> None:
    assert actions(Conversation().user("Build the parser").says("The parser works.")) == [
        "Nothing further was announced: the last request was answered"
    ]


def test_a_request_without_an_answer_is_not_said_to_be_answered() -> None:
    talk = (
        Conversation()
        .user("Build the parser")
        .says("The parser works.")
        .user("make it fast")
        .event(TurnEnd(reason="limit"))
    )

    assert actions(talk) == ["Not answered yet: make it fast"]
    assert [(entry.session, entry.turn) for entry in next_entries(talk.line, talk.digest)] == [("s1", 2)]


def test_an_answer_that_nothing_came_of_yet_is_to_be_carried_out() -> None:
    talk = Conversation().user("Bake some bread").says("Which one?\n- rye\n- spelt").user("B")

    assert actions(talk) == ["Carry out the newest request above: nothing of it is reported as done yet"]


def test_thanks_are_nothing_to_be_done() -> None:
    talk = Conversation().user("Build the parser").says("The parser works.").user("thanks")

    assert actions(talk) == ["Nothing further was announced: the last request was answered"]


def test_what_was_stopped_stays_unfinished_while_the_user_only_talks() -> None:
    talk = Conversation().user("Bake the long loaf").event(TurnEnd(reason="interrupted"))
    talk.user("Before you go on, where were we?").says("OK.")

    assert actions(talk) == ["Begin: Bake the long loaf"]


def test_what_was_stopped_is_finished_by_a_later_turn_that_worked_or_dropped_for_another_task() -> None:
    stopped = Conversation().user("Bake the long loaf").event(TurnEnd(reason="interrupted"))
    stopped.user("go on").ran("bake").says("The long loaf is baked.")
    dropped = Conversation().user("Bake the long loaf").event(TurnEnd(reason="interrupted"))
    dropped.user("New task: write the menu of the bakery").edited("menu.md").says("The menu is written.")

    assert actions(stopped) == actions(dropped) == ["Nothing further was announced: the last request was answered"]


def test_a_question_by_the_way_leaves_what_was_announced_before_it() -> None:
    talk = Conversation().user("Build the parser").says("The parser works. Next: wire it into the reader.")
    talk.user("Why is it recursive?").event(TurnEnd(reason="interrupted"))

    assert actions(talk) == ["Next: wire it into the reader."]


def test_a_go_ahead_that_was_cut_off_was_stopped_at_what_it_agreed_to() -> None:
    talk = Conversation().user("Build the parser").edited("p.py").says("It works. Next: wire it into the reader.")
    talk.user("go on").edited("r.py").event(TurnEnd(reason="limit"))

    assert actions(talk) == ["Stopped by its usage limit at: Next: wire it into the reader."]


def test_the_plan_says_what_is_now_and_what_comes_then() -> None:
    talk = Conversation().user("Build the shop").event(plan(cart="done", till="active", docs="pending", bell="pending"))
    talk.says("Working on the till.", final=False)

    assert actions(talk) == ["Working on the till.", "Plan (1 of 4 done), now: till, then: docs; bell"]


def test_a_plan_with_nothing_at_work_says_what_is_next() -> None:
    talk = Conversation().user("Build the shop").event(plan(cart="done", till="pending")).says("The cart is built.")

    assert actions(talk) == ["Plan (1 of 2 done), next: till"]
    assert rules(talk) == ["the agent's todo list"]


def test_a_plan_that_is_done_or_older_than_the_goal_says_nothing() -> None:
    done = Conversation().user("Build the shop").event(plan(cart="done")).says("The cart is built.")
    older = Conversation().user("Build the shop").event(plan(cart="done", till="pending")).says("The cart is built.")
    older.user(
        "New task: translate the whole guide in docs/guide.md into French, with all of its pictures and tables please"
    )
    older.edited("docs/guide.md").says("It is translated.")

    assert actions(done) == actions(older) == ["Nothing further was announced: the last request was answered"]


def test_an_order_that_nothing_was_reported_of_is_to_be_carried_out() -> None:
    step = Item(text="wire it in", at_ms=7, session="s1", turn=3, rule="newest request")
    line = Line(id="s1:1", step=step, step_waits=True)

    assert [(entry.text, entry.rule, entry.turn) for entry in next_entries(line, Conversation().digest)] == [
        ("Carry out the newest request above: nothing of it is reported as done yet", "order not carried out", 3)
    ]


def test_there_are_at_most_three_lines() -> None:
    talk = Conversation().user("Build the shop").event(plan(cart="active"))
    talk.event(BackgroundTask(task_id="j", state="running", label="train"))
    talk.says("## Next steps\n- the till\n- the bell\n- the door")

    assert actions(talk) == ["the till", "the bell", "Plan (0 of 1 done), now: cart"]
