from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.distill.clip import clip_middle
from carryover.distill.digest import (
    MAX_EDITED_FILES,
    MOST_FAILURES,
    MOST_PENDING,
    MOST_QUESTIONS,
    MOST_RUNS,
    MOST_TURNS,
    Digest,
)
from carryover.distill.fold import MAX_CHARS, fold
from carryover.distill.view import Note
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    Event,
    FileEdit,
    PlanItem,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    Retracted,
    SessionEnd,
    SessionInfo,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from support.conversation import MINUTE_MS, Conversation


@pytest.mark.parametrize(
    "body",
    [
        SessionInfo(title="A cart"),
        SessionStart(reason="startup"),
        SessionEnd(reason="exit"),
        Retracted(keys=("s1:1",)),
        AgentSummary(text="All of it.", source="compaction"),
    ],
    ids=lambda body: type(body).__name__,
)
def test_events_that_say_nothing_of_the_work_change_nothing(body: AnyBody) -> None:
    talk = Conversation().user("Build the cart")
    before = talk.digest

    assert talk.event(body).digest is before
    assert talk.notes == []


def test_the_time_of_a_digest_is_that_of_its_newest_event_and_never_goes_back() -> None:
    talk = Conversation().user("Build the cart").says("Built.")
    assert talk.digest.last_ms == talk.at_ms

    newest, talk.at_ms = talk.at_ms, talk.at_ms - 10 * MINUTE_MS
    assert talk.edited("late.py").digest.last_ms == newest


SAID = st.sampled_from(
    [
        "Build the cart in `cart.py`, and never use floats for money.",
        "yes, go on",
        "B",
        "Why is it slow?",
        "Собери меню, но не трогай кассу.",
        "窯の温度を必ず記録してください。",
        "KeyError: 'door'",
        "Look:\n\n2026-03-01 06:10:02 INFO heating\n2026-03-01 06:11:02 ERROR sensor lost\n\nFix it.",
        "go back to the old recipe",
    ]
)
TOLD = st.sampled_from(
    [
        "The cart is built. Next I will wire the till.",
        "Which flour shall I take?\n- rye\n- spelt",
        "## Next steps\n1. wire the till in `till.py`\n2. print the receipt",
        "Steam was too slow because `SteamOven` has one tray. The valve is not tested yet.",
        "You were on the cart. Do you want to continue from here, or are you starting something different?",
    ]
)
BODIES: st.SearchStrategy[AnyBody] = st.one_of(
    st.builds(UserPrompt, text=SAID | st.text(max_size=80), actor=st.sampled_from(["human", "model"])),
    st.builds(AssistantMessage, text=TOLD | st.text(max_size=120), final=st.sampled_from([True, False, None])),
    st.builds(QueuedPrompt, text=SAID, change=st.sampled_from(["added", "withdrawn"])),
    st.builds(TurnEnd, reason=st.sampled_from(["interrupted", "error", "limit"]), message=st.text(max_size=40)),
    st.builds(Question, call_id=st.just("q"), text=TOLD, options=st.just(("rye", "spelt"))),
    st.builds(Answer, call_id=st.just("q"), question=TOLD, text=SAID),
    st.builds(PlanUpdate, items=st.just((PlanItem(text="cart", state="done"), PlanItem(text="till")))),
    st.builds(PlanProposal, call_id=st.just("p"), text=TOLD, accepted=st.sampled_from([None, True, False])),
    st.builds(BackgroundTask, task_id=st.sampled_from("ab"), state=st.sampled_from(["running", "failed", "done"])),
    st.builds(FileEdit, path=st.sampled_from(["/shop/a.py", "/shop/b.py"]), change=st.sampled_from(["add", "delete"])),
    st.builds(
        ToolCall,
        call_id=st.sampled_from(["1", "2"]),
        name=st.just("Bash"),
        op=st.sampled_from(["shell", "edit", "read"]),
        subject=st.sampled_from(["ls", "make", "pytest -q", "/shop/a.py"]),
    ),
    st.builds(
        ToolResult,
        call_id=st.sampled_from(["1", "2"]),
        name=st.just("Bash"),
        op=st.sampled_from(["shell", "edit", "other"]),
        status=st.sampled_from(["ok", "error", "denied", "unknown"]),
        subject=st.sampled_from(["ls", "make", "pytest -q", "/shop/a.py"]) | st.text(max_size=60),
        output=st.sampled_from(["1 failed in 1s", "Error: no such bucket"]) | st.text(max_size=120),
    ),
)


def folded(digest: Digest, events: list[Event]) -> tuple[Digest, list[Note]]:
    notes: list[Note] = []
    for event in events:
        digest, new = fold(digest, event)
        notes += new
    return digest, notes


def stored(digest: Digest) -> Digest:
    return msgspec.json.decode(msgspec.json.encode(digest), type=Digest)


def events_of(bodies: list[AnyBody]) -> list[Event]:
    return [Event(key=str(number), session="s", at_ms=number, body=body) for number, body in enumerate(bodies)]


@settings(max_examples=100, deadline=None)
@given(bodies=st.lists(BODIES, max_size=40))
def test_any_conversation_folds_and_its_digest_survives_storage(bodies: list[AnyBody]) -> None:
    digest, _ = folded(Digest(), events_of(bodies))

    assert stored(digest) == digest


@settings(max_examples=100, deadline=None)
@given(bodies=st.lists(BODIES, max_size=40), cuts=st.sets(st.integers(0, 40)))
def test_folding_in_one_go_or_by_parts_with_storage_between_gives_the_same_digest(
    bodies: list[AnyBody], cuts: set[int]
) -> None:
    events = events_of(bodies)
    digest, notes, begun = Digest(), list[Note](), 0
    for end in sorted({*cuts, len(events)}):
        digest, new = folded(stored(digest), events[begun:end])
        notes, begun = notes + new, max(begun, end)

    assert (digest, notes) == folded(Digest(), events)


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(BODIES, max_size=40))
def test_every_list_of_a_digest_is_bounded(bodies: list[AnyBody]) -> None:
    digest, _ = folded(Digest(), events_of([*bodies, *bodies, *bodies]))

    assert len(digest.turns) <= MOST_TURNS
    assert len(digest.touched) <= MAX_EDITED_FILES
    assert len(digest.runs) <= MOST_RUNS
    assert len(digest.failures) <= MOST_FAILURES
    assert len(digest.questions) <= MOST_QUESTIONS
    assert max(len(digest.calls), len(digest.jobs), len(digest.queued)) <= MOST_PENDING


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


def test_of_a_prompt_of_megabytes_the_ends_are_read() -> None:
    pasted = "\n".join(f"    total_{n} = price({n}, 'cart')" for n in range(20_000))
    text = f"Find out why the total is wrong here:\n\n{pasted}\n\nAnd add a test for it."
    event = Event(key="1", session="s", at_ms=1, body=UserPrompt(text=text))

    whole, _ = fold(Digest(), event)
    ends, _ = fold(Digest(), msgspec.structs.replace(event, body=UserPrompt(text=clip_middle(text, chars=MAX_CHARS))))

    assert (whole, "Find out why the total is wrong" in str(whole)) == (ends, True)
