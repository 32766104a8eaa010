"""Whatever a session holds, its trajectory is valid."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from carryover import model
from carryover.export.atif import trajectory
from carryover.export.session_parts import SessionHead
from carryover.model import StoredEvent
from support.json_schema import atif_violations

HEAD: Final = SessionHead(id="s1", agent="claude-code", agent_name="Claude Code", root="/home/dev/shop", title="Shop")
START_MS: Final = 1_795_155_000_000

any_of = st.sampled_from
texts = any_of(["", " ", "Add a discount", "a\u202eb", "\x1b[2J", "<|im_start|>", "two\r\nlines", "\u200b", "{}"])
ids = any_of(["c1", "c2", "c3"])
actors = any_of(["human", "model"])
called = {"call_id": ids, "name": st.just("Bash"), "op": any_of(["shell", "read", "edit", "ask", "other"])}
statuses = any_of(["ok", "error", "denied", "unknown"])
ended = {"status": statuses, "exit_code": any_of([None, 0, 2]), "dropped": st.integers(0, 5), "user_words": texts}
verdicts = any_of([None, True, False])
edited = {"path": st.just("/home/dev/shop/cart.py"), "change": any_of(["add", "rename"]), "diff": texts}
built = st.builds
bodies: st.SearchStrategy[model.AnyBody] = st.one_of(
    built(model.UserPrompt, text=texts, actor=actors, command=any_of([None, "/review"]), attachments=st.integers(0, 1)),
    built(model.AssistantMessage, text=texts, final=verdicts, aborted=st.booleans()),
    built(model.ToolCall, **called, subject=texts, actor=actors),
    built(model.ToolResult, **called, **ended, subject=texts, output=texts),
    built(model.FileEdit, **edited, call_id=st.none() | ids),
    built(model.QueuedPrompt, text=texts),
    built(model.Question, call_id=ids, text=texts, options=st.just(("a", "b"))),
    built(model.Answer, call_id=ids, question=texts, text=texts),
    built(model.PlanUpdate, items=st.just((model.PlanItem(text="x", state="done"),))),
    built(model.PlanProposal, call_id=ids, text=texts, accepted=verdicts),
    built(model.BackgroundTask, task_id=ids, state=st.just("done"), label=texts),
    built(model.AgentSummary, text=texts, source=any_of(["compaction", "away"])),
    built(model.TurnEnd, reason=st.just("limit"), message=texts),
    built(model.SessionInfo, model=any_of([None, "m1", "m2"])),
    built(model.SessionStart, reason=st.just("resume")),
    st.just(model.Retracted(keys=("a",))),
)
sessions = st.lists(
    st.builds(
        StoredEvent,
        at_ms=st.integers(START_MS, START_MS + 5000),
        subagent_id=st.sampled_from([None, None, "helper", "other"]),
        body=bodies,
        retracted=st.sampled_from([False, False, False, True]),
    ),
    max_size=14,
)


def test_a_prompt_that_was_queued_is_there_once_it_is_taken_up_and_else_as_queued() -> None:
    said: list[model.AnyBody] = [
        model.QueuedPrompt(text="Add a cap"),
        model.QueuedPrompt(text="Then a lid"),
        model.UserPrompt(text="Add a cap"),
        model.QueuedPrompt(text="Add a cap"),
    ]

    made = trajectory(
        HEAD, [StoredEvent(at_ms=START_MS, subagent_id=None, body=body, retracted=False) for body in said]
    )

    assert made is not None
    messages = [step["message"] for step in json.loads(made)["steps"]]
    assert messages == ["Prompt queued\n\nThen a lid", "Add a cap", "Prompt queued\n\nAdd a cap"]


@given(events=sessions)
def test_a_trajectory_of_any_session_is_valid(events: list[StoredEvent]) -> None:
    made = trajectory(HEAD, events)
    if made is None:
        assert not any(
            isinstance(event.body, model.ToolCall | model.TurnEnd) and not event.retracted for event in events
        )
    else:
        assert atif_violations(json.loads(made)) == []


def test_a_step_names_its_model_if_the_session_went_on_with_another() -> None:
    said = (model.SessionInfo(model="small"), model.AssistantMessage(text="a"), model.SessionInfo(title="Shop"))
    later = (model.AssistantMessage(text="b"), model.SessionInfo(model="large"), model.AssistantMessage(text="c"))
    one = StoredEvent(at_ms=START_MS, subagent_id=None, body=said[0], retracted=False)
    made = trajectory(HEAD, [structs.replace(one, body=body) for body in (*said, *later)])
    assert made is not None
    document = json.loads(made)

    steps = [(step["message"], step["model_name"]) for step in document["steps"] if "model_name" in step]
    assert (steps, document["agent"]["model_name"]) == ([("a", "small"), ("b", "small")], "large")
