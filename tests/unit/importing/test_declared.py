"""An agent without an adapter is read by the source that the user declares for it, and an import says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Record, Source
from carryover.declared_source import DeclaredSource, folder_of
from carryover.errors import UserError
from carryover.importing.candidate import Candidate
from carryover.importing.declared import agent_of
from carryover.importing.document import open_document
from carryover.model import (
    AnyBody,
    AssistantMessage,
    Event,
    FileEdit,
    SessionInfo,
    Skipped,
    ToolCall,
    ToolResult,
    UserPrompt,
)

AT_S = 1_795_366_338
OF_OPENAI = DeclaredSource(agent="my-agent", files=("/logs/*.jsonl",))
OWN_NAMES = DeclaredSource(
    agent="my-agent",
    files=("/logs/*/chat.jsonl",),
    session="sid",
    folder="where.dir",
    time="at",
    role="who",
    user=("me",),
    assistant=("bot",),
    text="msg",
    call="does",
    name="does",
    input="args",
    id="no",
    result="printed",
    result_id="no",
    exit_code="code",
)


def bodies(declared: DeclaredSource, records: Sequence[Any]) -> list[AnyBody]:
    return [event.body for event in events(declared, records)[0]]


def events(declared: DeclaredSource, records: Sequence[Any]) -> Any:
    agent = agent_of(declared)
    source = Source(agent=declared.agent, path="/logs/a.jsonl", session="a")
    context = agent.context_type()
    found: list[Event] = []
    skipped: list[Skipped] = []
    for number, record in enumerate(records, 1):
        data = record if isinstance(record, bytes) else json.dumps(record).encode()
        context, parsed = agent.parse(source, context, Record(number=number, data=data))
        found += parsed.events
        skipped += parsed.skipped
    return found, skipped


def test_messages_in_the_usual_form_need_no_field_named() -> None:
    call = {"id": "c1", "function": {"name": "bash", "arguments": '{"command": "pytest -q"}'}}
    records = [
        {"role": "system", "content": "be good"},
        {"role": "user", "content": "Fix it", "cwd": "/home/dev/shop", "timestamp": "2026-11-22T16:52:18Z"},
        {"role": "assistant", "content": [{"type": "text", "text": "I test."}], "tool_calls": [call], "model": "m1"},
        {"role": "tool", "tool_call_id": "c1", "content": "1 failed", "is_error": True},
    ]
    found, skipped = events(OF_OPENAI, records)
    assert [each.body for each in found] == [
        UserPrompt(text="Fix it"),
        SessionInfo(model="m1"),
        AssistantMessage(text="I test."),
        ToolCall(call_id="c1", name="bash", op="shell", subject="pytest -q"),
        ToolResult(
            call_id="c1",
            name="bash",
            op="shell",
            subject="pytest -q",
            status="error",
            output="1 failed",
            folder="/home/dev/shop",
        ),
    ]
    assert {(each.session, each.cwd, each.at_ms) for each in found} == {("a", "/home/dev/shop", AT_S * 1000)}
    assert skipped == []


def test_each_field_may_have_another_name() -> None:
    where = {"sid": "s7", "where": {"dir": "/home/dev/shop"}, "at": AT_S}
    records = [
        {**where, "who": "me", "msg": "Write it"},
        {"who": "bot", "msg": "Yes.", "at": str(AT_S + 1.5)},
        {"does": "write_file", "no": "1", "args": {"path": "a.py", "content": "x = 1\n"}},
        {"no": "1", "printed": "done", "code": 0},
    ]
    found, _ = events(OWN_NAMES, records)
    prompt, said, call, result, edit = found
    assert (prompt.session, prompt.cwd, prompt.at_ms) == ("s7", "/home/dev/shop", AT_S * 1000)
    assert (said.body, said.at_ms) == (AssistantMessage(text="Yes."), AT_S * 1000 + 1500)
    assert call.body == ToolCall(call_id="1", name="write_file", op="write", subject="/home/dev/shop/a.py")
    assert (result.body.status, result.body.exit_code, result.body.output) == ("ok", 0, "done")
    assert isinstance(edit.body, FileEdit)
    assert edit.body.path == "/home/dev/shop/a.py"


def test_an_edit_of_carryovers_own_file_is_none() -> None:
    args = {"path": "/home/dev/shop/.carryover/handoff.md", "content": "x"}
    records = [{"does": "write_file", "no": "1", "args": args}, {"no": "1", "printed": "done", "code": 0}]
    assert not any(isinstance(body, FileEdit) for body in bodies(OWN_NAMES, records))


def test_an_edit_without_a_file_is_none_of_the_folder() -> None:
    where = {"where": {"dir": "/home/dev/shop"}, "does": "edit_file", "no": "1", "args": {"text": "x = 1"}}
    assert not any(isinstance(body, FileEdit) for body in bodies(OWN_NAMES, [where, {"no": "1", "printed": "done"}]))


def test_a_command_that_failed_by_its_exit_code_has_failed() -> None:
    records = [{"does": "bash", "no": "1", "args": "make"}, {"no": "1", "printed": "all good", "code": 2}]
    call, result = bodies(OWN_NAMES, records)
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (call.subject, result.status, result.exit_code) == ("make", "error", 2)


def test_what_is_not_understood_is_counted_and_not_quoted() -> None:
    records = [b"not json", [1], {"role": "judge", "content": "secret"}, {"content": "secret"},
               {"role": "tool", "tool_call_id": "?", "content": "secret"}]  # fmt: skip
    found, skipped = events(OF_OPENAI, records)
    assert found == []
    assert [(each.record_type, each.reason) for each in skipped] == [
        ("record", "not a JSON object"),
        ("record", "not a JSON object"),
        ("role/judge", "its role is not known"),
        ("record", "it has no role"),
        ("result", "its call is not known"),
    ]


def test_a_project_for_all_files_stands_in_for_folders_in_them() -> None:
    declared = msgspec.structs.replace(OF_OPENAI, project="/home/dev/book")
    found, _ = events(declared, [{"role": "user", "content": "Hi", "cwd": "/elsewhere"}])
    assert found[0].cwd == "/home/dev/book"


SMALL = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=6) | st.sampled_from(("tool", "user"))
PARTS = st.sampled_from(("function", "name", "arguments", "text"))
ANYTHING = st.recursive(
    SMALL, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PARTS, inner, max_size=3), max_leaves=6
)


@pytest.mark.parametrize("kind", ["tool_result", "tool-result", "input_file", "thinking", "reasoning", "document"])
def test_only_text_parts_are_the_speakers_words(kind: str) -> None:
    parts = [{"type": kind, "text": "Ship it."}, {"type": "text", "text": "Fix it."}, {"text": "Now."}, "Please."]

    assert bodies(OF_OPENAI, [{"role": "user", "content": parts}]) == [UserPrompt(text="Fix it.\nNow.\nPlease.")]
    assert bodies(OF_OPENAI, [{"role": "assistant", "content": parts[:2]}]) == [AssistantMessage(text="Fix it.")]


FIELDS = st.sampled_from(("role", "content", "tool_calls", "timestamp", "cwd", "id"))


@given(st.lists(st.dictionaries(FIELDS, ANYTHING), max_size=4))
def test_no_record_breaks_the_reading_of_the_others(records: list[dict[str, Any]]) -> None:
    found, _ = events(OF_OPENAI, [*records, {"role": "user", "content": "the last words"}])
    assert UserPrompt(text="the last words") in [event.body for event in found]


@pytest.mark.parametrize(
    ("pattern", "below", "session"),
    [
        ("/home/dev/.a/logs/*.jsonl", "one.jsonl", "one"),
        ("/home/dev/.a/*/chat.jsonl", "2026-11/chat.jsonl", "2026-11"),
        ("/home/dev/.a/*/run-*.log.json", "x/run-7.log.json", "run-7.log"),
        ("/home/dev/.a/history", "history", "history"),
        ("/home/dev/.a/*.jsonl", "deeper/one.jsonl", None),
        ("/home/dev/.a/*.jsonl", "one.json", None),
    ],
)
def test_a_pattern_names_files_and_their_sessions(pattern: str, below: str, session: str | None) -> None:
    agent = agent_of(DeclaredSource(agent="a", files=(pattern,)))
    root = Path(folder_of(pattern))
    found = agent.source_of(root / below, root)
    assert (found.session if found is not None else None) == session


def document(path: Path, *said: str) -> None:
    messages = [{"role": "user", "content": text, "timestamp": AT_S} for text in said]
    path.write_text(json.dumps({"id": "d1", "cwd": "/home/dev/shop", "chat": {"turns": messages}}))


def test_a_document_is_read_on_from_what_it_held_and_again_from_what_changed(tmp_path: Path) -> None:
    declared = DeclaredSource(
        agent="a", files=(f"{tmp_path}/*.json",), format="json", messages="chat.turns", session="id"
    )
    agent = agent_of(declared)
    path = tmp_path / "one.json"
    source = Source(agent="a", path=str(path))
    document(path, "first", "second")
    context = agent.context_type()
    seen: list[tuple[str, str | None]] = []
    cursor = None
    for said in ((), ("first", "second", "third"), ("first", "other")):
        if said:
            document(path, *said)
        batch = agent.reader.read(path, cursor)
        cursor = batch.cursor
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            seen += [("again from", parsed.reemitted.after)] if parsed.reemitted is not None else []
            for event in parsed.events:
                assert isinstance(event.body, UserPrompt)
                seen.append((event.session, event.body.text))
    assert seen == [
        ("again from", None), ("d1", "first"), ("d1", "second"),
        ("again from", "d1/1/prompt"), ("d1", "third"),
        ("again from", None), ("d1", "first"), ("d1", "other"),
    ]  # fmt: skip


def test_a_document_without_the_list_can_not_be_read(tmp_path: Path) -> None:
    agent = agent_of(DeclaredSource(agent="a", files=(f"{tmp_path}/*.json",), format="json"))
    (tmp_path / "one.json").write_text('{"messages": {}}')
    with pytest.raises(OSError, match="no list of messages"):
        agent.reader.read(tmp_path / "one.json", None)


def test_a_document_that_is_read_again_says_its_model_again(tmp_path: Path) -> None:
    """What is not emitted again is retracted."""
    agent = agent_of(DeclaredSource(agent="a", files=(f"{tmp_path}/*.json",), format="json"))
    source = Source(agent="a", path=str(tmp_path / "one.json"), session="one")
    context, cursor, models = agent.context_type(), None, []
    for said in ("first", "other"):
        message = {"role": "user", "content": said, "timestamp": AT_S, "model": "m1"}
        (tmp_path / "one.json").write_text(json.dumps({"messages": [message]}))
        batch = agent.reader.read(tmp_path / "one.json", cursor)
        cursor = batch.cursor
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            models += [event.body.model for event in parsed.events if isinstance(event.body, SessionInfo)]
    assert models == ["m1", "m1"]


def test_a_file_is_known_by_the_place_that_its_declaration_names(tmp_path: Path) -> None:
    """So that importing it adds nothing to what the daemon has read."""
    declared = DeclaredSource(agent="my-agent", files=(f"{tmp_path}/logs/*/chat.jsonl",))
    path = tmp_path / "logs" / "2026-11" / "chat.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"role": "user", "content": "Hi"}\n')
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(path.read_bytes())

    opened = [
        open_document(Candidate(path, agent_id=agent, declared=(declared,))).source for agent in (None, "my-agent")
    ]

    assert opened == [agent_of(declared).source_of(path, tmp_path / "logs")] * 2
    assert open_document(Candidate(copy, agent_id="my-agent", declared=(declared,))).source.session == "copy"
    with pytest.raises(UserError, match="is not recognised"):
        open_document(Candidate(copy, declared=(declared,)))
