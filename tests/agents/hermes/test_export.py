"""What `hermes sessions export` writes, named by a user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from carryover import model
from carryover.adapter.contract import FileStat
from carryover.agents.hermes.adapter import AGENT
from carryover.agents.hermes.export import read_export
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from contract.case import Reading, read_on

LONG: Final = "You are Hermes Agent. " * 4000
INFO: Final = model.SessionInfo
ANSWER: Final = {"role": "assistant", "content": "It rounds down now.", "reasoning": None}


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
