from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.distill.digest import Digest
from carryover.distill.fold import fold
from carryover.model import (
    Answer,
    AssistantMessage,
    BackgroundTask,
    Event,
    PlanItem,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from support.conversation import Conversation

GATE = (
    "You were adding a discount to the cart; next is wiring it into checkout.\n\n"
    "Do you want to continue from here, or are you starting something different?"
)


def test_the_newest_request_is_the_task_and_small_talk_is_not() -> None:
    talk = Conversation().user("Add a discount to the cart").says("Done.").user("thanks").says("You're welcome.")

    assert talk.digest.goal is not None
    assert talk.digest.goal.text == "Add a discount to the cart"
    assert talk.digest.latest is not None
    assert talk.digest.latest.kind == "nudge"


def test_a_bare_answer_keeps_the_offer_it_answers() -> None:
    talk = (
        Conversation().user("Plan the release").says("Two ways are open.\n\nShould I 1) tag it or 2) wait?").user("2")
    )

    assert talk.digest.latest is not None
    assert (talk.digest.latest.kind, talk.digest.latest.answers) == ("answer", "Should I 1) tag it or 2) wait?")


def test_a_correction_after_an_interruption_keeps_the_task() -> None:
    talk = Conversation().user("Train the model for 100 epochs").event(TurnEnd(reason="interrupted"))
    talk.user("use 200 epochs and the small data set")

    assert talk.digest.goal is not None
    assert talk.digest.goal.text == "Train the model for 100 epochs"
    assert talk.digest.latest is not None
    assert talk.digest.latest.kind == "follow_up"


def test_the_protocols_own_question_and_the_users_yes_leave_nothing() -> None:
    talk = Conversation().user("let's start").says(GATE).user("yes, continue")

    assert (talk.digest.goal, talk.digest.said, talk.digest.questions) == (None, None, ())


def test_the_mark_of_the_brief_protocol_is_not_the_assistants_words() -> None:
    talk = Conversation().user("go on").says("(resuming: add a discount) The cap is in place now.")

    assert talk.digest.said is not None
    assert talk.digest.said.text == "The cap is in place now."


def test_a_handoff_that_is_read_or_pasted_is_not_taken_in() -> None:
    pasted = "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n## Task\nNever use tabs"
    talk = Conversation().user(pasted).ran("cat .carryover/handoff.md", "error: boom", status="error")

    assert talk.digest == Digest()
    assert talk.notes == []


def test_a_ruling_of_the_third_turn_is_kept_as_a_note() -> None:
    talk = Conversation().user("Build the shop").user("Never touch the schema of the orders table")
    for n in range(200):
        talk.user(f"now please build page number {n} of the shop").says("Built.")

    assert [note.text for note in talk.notes if note.weight == 3] == ["Never touch the schema of the orders table"]


def test_what_was_tried_and_why_it_failed_are_kept_together() -> None:
    talk = (
        Conversation()
        .user("Deploy it")
        .ran("npm run deploy", "Exit code 1\nError: no such bucket: shop-eu", status="error")
    )

    assert [(f.tried, f.why) for f in talk.digest.failures] == [("`npm run deploy`", "Error: no such bucket: shop-eu")]


def test_the_same_thing_tried_again_counts_up_and_a_success_mends_it() -> None:
    talk = Conversation().user("Deploy it")
    for _ in range(3):
        talk.ran("npm run deploy", "Exit code 1\nError: no such bucket", status="error")
    talk.ran("npm run deploy", "ok")

    assert [(f.times, f.mended) for f in talk.digest.failures] == [(3, True)]


def test_looking_around_and_refused_calls_are_no_failures() -> None:
    talk = Conversation().user("Look").ran("ls nowhere", "Exit code 2\nls: no such file", status="error")
    talk.ran("cart.py", "string not found", status="error", op="edit", name="Edit", never_ran=True)
    talk.ran("rm README.md", "The user doesn't want to proceed", status="denied")

    assert talk.digest.failures == ()


def test_taking_work_back_makes_it_a_failed_approach() -> None:
    talk = (
        Conversation().user("Move the API to a class").says("Moved.").user("go back to plain functions, that was nicer")
    )

    assert [(f.tried, f.undone) for f in talk.digest.failures] == [("Move the API to a class", True)]


def test_a_question_of_a_tool_stays_open_until_it_is_answered() -> None:
    talk = Conversation().user("Set the cap").event(Question(call_id="q", text="Which cap?", options=("50", "none")))
    assert [q.text for q in talk.digest.questions] == ["Which cap?"]

    talk.event(Answer(call_id="q", question="Which cap?", text="50"))
    assert talk.digest.questions == ()
    assert [note.text for note in talk.notes] == ["Which cap? → 50"]


def test_a_question_of_the_user_is_open_until_the_turn_is_answered() -> None:
    talk = Conversation().user("Build the parser").says("Built.").user("does it handle tabs too?")
    assert [q.origin for q in talk.digest.questions] == ["user"]

    talk.says("It does.")
    assert talk.digest.questions == ()


def test_words_typed_while_the_agent_works_wait_until_they_are_delivered() -> None:
    talk = Conversation().user("Build it").event(QueuedPrompt(text="and the docs?"))
    assert [waiting.text for waiting in talk.digest.queued] == ["and the docs?"]

    talk.user("and the docs?")
    assert talk.digest.queued == ()


def test_words_taken_back_from_the_queue_are_forgotten() -> None:
    talk = (
        Conversation()
        .user("Build it")
        .event(QueuedPrompt(text="stop"))
        .event(QueuedPrompt(text="stop", change="withdrawn"))
    )

    assert talk.digest.queued == ()


def test_a_finished_turn_becomes_a_line_of_progress_when_the_next_begins() -> None:
    talk = Conversation().user("Add a discount").edited("cart.py").ran("pytest -q", "1 passed in 0.1s")
    talk.says("The discount works now. Anything else?").user("Wire it into the checkout page please")

    assert [note.text for note in talk.notes] == [
        "Add a discount → The discount works now. [edited cart.py; tests pass]"
    ]


def test_commits_are_told_by_their_subject() -> None:
    talk = (
        Conversation()
        .user("Commit the discount work")
        .ran("git commit -m x", "[main f0bf20a] Add a discount\n 1 file changed")
    )
    talk.says("Committed.").user("Now write the documentation for it")

    assert talk.notes[-1].text == "Commit the discount work → Committed. [committed: Add a discount (f0bf20a)]"


def test_plans_jobs_and_proposals_are_kept_while_they_are_open() -> None:
    talk = Conversation().user("Build the shop").event(PlanUpdate(items=(PlanItem(text="cart", state="active"),)))
    talk.event(PlanProposal(call_id="p", text="# Shop plan\nsteps"))
    talk.event(BackgroundTask(task_id="j1", state="running", label="train"))
    talk.event(BackgroundTask(task_id="j2", state="running", label="lint"))
    talk.event(BackgroundTask(task_id="j2", state="failed"))

    assert [item.text for item in talk.digest.plan] == ["cart"]
    assert talk.digest.proposal == "Shop plan"
    assert [job.text for job in talk.digest.jobs] == ["train"]
    assert [(f.tried, f.why) for f in talk.digest.failures] == [("lint", "the background job failed")]


def test_a_call_without_a_result_is_in_flight_until_the_next_prompt() -> None:
    talk = Conversation().user("Run the long job").calls("python train.py")
    assert [call.text for call in talk.digest.calls] == ["python train.py"]

    talk.user("go on with the other thing now please")
    assert talk.digest.calls == ()


BODIES = st.one_of(
    st.builds(UserPrompt, text=st.text(max_size=80), actor=st.sampled_from(["human", "model"])),
    st.builds(AssistantMessage, text=st.text(max_size=120), final=st.sampled_from([True, False, None])),
    st.builds(QueuedPrompt, text=st.text(max_size=40)),
    st.builds(TurnEnd, reason=st.sampled_from(["interrupted", "error", "limit"]), message=st.text(max_size=40)),
    st.builds(
        ToolResult,
        call_id=st.text(max_size=3),
        name=st.just("Bash"),
        op=st.sampled_from(["shell", "edit", "other"]),
        status=st.sampled_from(["ok", "error", "denied", "unknown"]),
        subject=st.text(max_size=60),
        output=st.text(max_size=120),
    ),
)


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(BODIES, max_size=40))
def test_any_conversation_folds_and_its_digest_survives_storage(bodies: list[UserPrompt]) -> None:
    digest = Digest()
    for number, body in enumerate(bodies):
        event = Event(key=str(number), session="s", at_ms=number, body=body)
        digest, _ = fold(digest, event)

    stored = msgspec.json.decode(msgspec.json.encode(digest), type=Digest)
    assert stored == digest


def test_a_digest_stays_small_however_long_the_session() -> None:
    talk = Conversation()
    sizes = []
    for n in range(400):
        talk.user(f"Please work on part {n} and never forget rule {n}").edited(f"part{n}.py")
        talk.ran(f"make part{n}", f"error: part {n} is broken", status="error").says(
            f"Part {n} is untested.\nShall I do {n}?"
        )
        sizes.append(len(msgspec.json.encode(talk.digest)))

    assert max(sizes[200:]) <= max(sizes[60:200]) * 1.1
