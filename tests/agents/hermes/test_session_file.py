"""The file that Hermes Agent writes of a session beside its database, named by a user."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import pytest

from carryover import model
from carryover.adapter.contract import FileStat
from carryover.agents.hermes.adapter import AGENT
from carryover.agents.hermes.session_file import read_export
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from contract.case import Reading, read_on

LONG: Final = "You are Hermes Agent. " * 4000
"""A system prompt so long that the messages begin beyond the head of the file."""
INFO: Final = model.SessionInfo
ANSWER: Final = {"role": "assistant", "content": "It rounds down now.", "reasoning": None}
REVIEW: Final = "Review the conversation above and consider saving or updating a skill if appropriate.\n\nFocus on: ..."


def written(path: Path, *messages: dict[str, Any]) -> Path:
    session = {
        "session_id": "20260420_130311_abcdef",
        "model": "fake-model",
        "base_url": "https://localhost/v1",
        "platform": "cli",
        "session_start": "2026-04-20T13:00:00.000000",
        "last_updated": "2026-04-20T13:10:00.000000",
        "system_prompt": LONG,
        "tools": [{"type": "function", "function": {"name": "terminal"}}],
        "message_count": len(messages),
        "messages": messages,
    }
    path.write_text(json.dumps(session, indent=2))
    return path


def opened(path: Path) -> Reading:
    found = open_document(Candidate(path))
    assert found.agent.id == AGENT.id
    return read_on(found.agent, found.source)


def run(command: str, output: str, code: int) -> list[dict[str, Any]]:
    function = {"name": "terminal", "arguments": json.dumps({"command": command})}
    call = {"id": "call_1", "type": "function", "function": function}
    result = json.dumps({"output": output, "exit_code": code, "error": None})
    asked = {"role": "assistant", "content": "", "finish_reason": "tool_calls", "tool_calls": [call]}
    return [asked, {"role": "tool", "content": result, "tool_call_id": "call_1"}]


def test_a_session_whose_messages_begin_far_inside_its_file(tmp_path: Path) -> None:
    said = {"role": "user", "content": "Round prices down."}
    path = written(tmp_path / "session_1.json", said, *run("make test", "1 failed", 2), ANSWER)

    found = opened(path)
    kinds = (model.UserPrompt, model.ToolResult, model.AssistantMessage)
    prompt, result, answer = (event for event in found.events if isinstance(event.body, kinds))

    assert found.skipped == []
    assert {event.session for event in found.events} == {"20260420_130311_abcdef"}
    assert prompt.body == model.UserPrompt(text="Round prices down.")
    assert isinstance(result.body, model.ToolResult)
    assert (result.body.subject, result.body.exit_code, result.body.output) == ("make test", 2, "1 failed")
    assert answer.body == model.AssistantMessage(text="It rounds down now.", final=True)
    assert answer.at_ms - prompt.at_ms > 9 * 60_000


def test_a_review_in_the_background_is_not_the_users_prompt(tmp_path: Path) -> None:
    said = {"role": "user", "content": "Round prices down."}
    review = [{"role": "user", "content": REVIEW}, {"role": "assistant", "content": "Nothing to save."}]

    events = opened(written(tmp_path / "session_1.json", said, ANSWER, *review)).events

    texts = [event.body.text for event in events if isinstance(event.body, model.UserPrompt | model.AssistantMessage)]
    assert texts == ["Round prices down.", "It rounds down now."]


def test_a_turn_that_was_stopped(tmp_path: Path) -> None:
    stopped = {"role": "assistant", "content": "Operation interrupted."}

    events = opened(written(tmp_path / "session_1.json", {"role": "user", "content": "Test it."}, stopped)).events

    assert [event.body for event in events if isinstance(event.body, model.TurnEnd)] == [
        model.TurnEnd(reason="interrupted")
    ]


def test_the_times_of_a_session_are_local_and_its_keys_the_same_in_each_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "session_1.json", {"role": "user", "content": "Round prices down."}, ANSWER)
    found = []
    for zone in ("UTC", "EST+5"):
        with monkeypatch.context() as there:
            there.setenv("TZ", zone)
            time.tzset()
            found.append([event for event in opened(path).events if isinstance(event.body, model.UserPrompt)])
    time.tzset()

    [[here], [west]] = found
    assert (west.at_ms - here.at_ms, west.key) == (5 * 3_600_000, here.key)


def test_bytes_that_are_no_text_stay_out_of_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path / "session_1.json", {"role": "user", "content": [{"type": "text", "text": "Add a café."}]})
    path.write_bytes(path.read_bytes().replace(rb"caf\u00e9", b"caf\xe9"))

    prompts = [event.body for event in opened(path).events if isinstance(event.body, model.UserPrompt)]

    assert prompts == [model.UserPrompt(text="Add a caf\ufffd.")]


def test_each_line_of_an_export_is_a_session(tmp_path: Path) -> None:
    """Its messages have the database's times, and all of its columns, also those that are empty. What the user took
    back is switched off there, and a time that can't be costs nothing else."""
    given = [{"role": "user", "content": "Round prices down."}, *run("make test", "1 failed", 2), ANSWER]
    taken_back = {"role": "user", "content": "No, up.", "active": 0, "compacted": 0}
    empty = {"tool_call_id": None, "tool_calls": None, "tool_name": None, "finish_reason": "stop"}
    told = enumerate([*given, taken_back])
    messages = [{**empty, **one, "id": at, "timestamp": 1_776_000_000.25 + at} for at, one in told]
    facts = {"source": "cli", "user_id": None, "model": "fake-model", "system_prompt": LONG, "title": "Prices"}
    cut = [{**one, "finish_reason": None} for one in messages]
    parent = "20260420_2"
    rows = (
        {"id": parent, **facts, "cwd": "/p", "messages": messages},
        {"id": "20260420_1", **facts, "parent_session_id": parent, "messages": cut},
        {"id": "20260420_3", **facts, "source": "subagent", "parent_session_id": parent, "messages": messages[:1]},
        {"id": "odd", **facts, "messages": [{**messages[0], "timestamp": 1e308}]},
    )
    (tmp_path / "export.jsonl").write_text("\n".join(map(json.dumps, rows)))

    found = opened(tmp_path / "export.jsonl")

    kinds = (model.UserPrompt, model.ToolResult, model.AssistantMessage)
    newest = [event for event in found.events if event.session == "20260420_2" and isinstance(event.body, kinds)]
    assert [each.reason for each in found.skipped] == ["no time"]
    assert {event.session for event in found.events} == {"20260420_1", "20260420_2"}
    assert [event.at_ms - 1_776_000_000_250 for event in newest] == [0, 2000, 3000, 0]  # the last of a sub-agent
    assert newest[0].body == model.UserPrompt(text="Round prices down.")
    assert newest[0].key.startswith("20260420_2/1776000000250000:")  # as from the database
    assert newest[2].body == model.AssistantMessage(text="It rounds down now.", final=True)
    bodies = [(event.session, event.cwd, event.body) for event in found.events]
    infos = {(one, cwd, body.title, body.model, body.parent) for one, cwd, body in bodies if isinstance(body, INFO)}
    assert infos == {(parent, "/p", "Prices", "fake-model", None), ("20260420_1", None, "Prices", "fake-model", parent)}
    assert [body.actor for one, _, body in bodies if isinstance(body, model.UserPrompt)] == ["human", "human", "model"]
    assert [body.final for one, _, body in bodies if isinstance(body, model.AssistantMessage)] == [True, False]


def test_only_what_is_named_and_begins_as_an_export_is_one(tmp_path: Path) -> None:
    head = b'{"id": "20260420_1", "source": "cli", "user_id": null, "messages": []}\n'
    assert AGENT.exported is not None
    source = AGENT.exported(tmp_path / "export.jsonl", head)

    assert source is not None and source.rank == -1
    assert AGENT.exported(tmp_path / "export.txt", head) is None
    assert AGENT.exported(tmp_path / "export.jsonl", head.replace(b"user_id", b"userId")) is None
    (tmp_path / "export.jsonl").write_bytes(head.replace(b'"id"', b'"no"'))
    with pytest.raises(OSError, match="not an export of sessions"):
        read_export(tmp_path / "export.jsonl", FileStat(1, 1))
