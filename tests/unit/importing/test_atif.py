"""Whatever a session holds, its trajectory is valid, and what comes of importing it has the same trajectory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.export.atif import Head, trajectory
from carryover.importing.document import open_document
from carryover.ledger.rows import StoredEvent
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    FileEdit,
    PlanItem,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    Retracted,
    SessionInfo,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from support.atif import atif_violations
from support.specstory import events_of

HEAD: Final = Head(session="s1", agent="claude-code", agent_name="Claude Code", cwd="/home/dev/shop", title="Shop")
START_MS: Final = 1_795_155_000_000

texts = st.sampled_from(
    ["", " ", "Add a discount", "a\u202eb", "\x1b[2J", "<|im_start|>", "two\r\nlines", "\u200b", "{}"]
)
ids = st.sampled_from(["c1", "c2", "c3"])
ops = st.sampled_from(["shell", "read", "edit", "ask", "other"])
bodies: st.SearchStrategy[AnyBody] = st.one_of(
    st.builds(
        UserPrompt,
        text=texts,
        actor=st.sampled_from(["human", "model"]),
        command=st.sampled_from([None, "/review"]),
        attachments=st.integers(0, 1),
    ),
    st.builds(AssistantMessage, text=texts, final=st.sampled_from([None, True, False]), aborted=st.booleans()),
    st.builds(
        ToolCall, call_id=ids, name=st.just("Bash"), op=ops, subject=texts, actor=st.sampled_from(["human", "model"])
    ),
    st.builds(
        ToolResult,
        call_id=ids,
        name=st.just("Bash"),
        op=ops,
        status=st.sampled_from(["ok", "error", "denied", "unknown"]),
        subject=texts,
        exit_code=st.sampled_from([None, 0, 2]),
        output=texts,
        dropped=st.integers(0, 5),
        user_words=texts,
    ),
    st.builds(
        FileEdit,
        path=st.just("/home/dev/shop/cart.py"),
        change=st.sampled_from(["add", "rename"]),
        call_id=st.none() | ids,
        diff=texts,
    ),
    st.builds(QueuedPrompt, text=texts),
    st.builds(Question, call_id=ids, text=texts, options=st.just(("a", "b"))),
    st.builds(Answer, call_id=ids, question=texts, text=texts),
    st.builds(PlanUpdate, items=st.just((PlanItem(text="x", state="done"),))),
    st.builds(PlanProposal, call_id=ids, text=texts, accepted=st.sampled_from([None, True, False])),
    st.builds(BackgroundTask, task_id=ids, state=st.just("done"), label=texts),
    st.builds(AgentSummary, text=texts, source=st.sampled_from(["compaction", "away"])),
    st.builds(TurnEnd, reason=st.just("limit"), message=texts),
    st.builds(SessionInfo, model=st.sampled_from([None, "m1", "m2"])),
    st.builds(SessionStart, reason=st.just("resume")),
    st.just(Retracted(keys=("a",))),
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


@settings(max_examples=150, deadline=None)
@given(events=sessions)
def test_any_session_comes_back_as_it_went(events: list[StoredEvent], tmp_path: Path) -> None:
    made = trajectory(HEAD, events, subagents=True)
    if made is None:
        assert not any(isinstance(event.body, ToolCall | TurnEnd) and not event.retracted for event in events)
        return
    assert atif_violations(json.loads(made)) == []
    file = tmp_path / "trajectory.json"
    file.write_bytes(made)

    read = events_of(open_document(file))
    assert len({event.key for event in read}) == len(read)
    stored = [StoredEvent(at_ms=event.at_ms, subagent_id=event.subagent_id, body=event.body) for event in read]
    infos = [event.body.model for event in read if isinstance(event.body, SessionInfo) and event.body.model]
    head = msgspec.structs.replace(HEAD, model=infos[-1] if infos else None)

    assert trajectory(head, stored, subagents=True) == made
