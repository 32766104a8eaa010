"""Single records: calls of events beside the usual ones, and rows of a transcript."""

from __future__ import annotations

from typing import Any

import pytest

from agents.windsurf.contract_case import CASE, record, row
from agents.windsurf.talks import PROJECT, payload
from carryover.agents.windsurf.adapter import AGENT
from carryover.model import AssistantMessage, Event, FileEdit, ToolCall, ToolResult
from contract.case import Reading, fold_one, source_at


def folded(data: bytes) -> Reading:
    return fold_one(AGENT, source_at(AGENT, CASE.recordings[0]), data)


def kinds(events: list[Event]) -> list[type]:
    return [type(event.body) for event in events]


def called(event: str, **info: Any) -> Reading:
    return folded(record(event, payload(event, **info), cwd=PROJECT))


def test_a_file_that_was_read_and_a_tool_of_mcp_are_calls() -> None:
    read, asked = called("post_read_code"), called("post_mcp_tool_use")

    assert [event.body.op for event in read.events if isinstance(event.body, ToolCall)] == ["read"]
    (result,) = (event.body for event in asked.events if isinstance(event.body, ToolResult))
    assert (result.subject, result.output) == ("tracker/find_issue", "Issue 7: add() is wrong")


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("src/a.py", f"{PROJECT}/src/a.py"),
        (f"{PROJECT}/x/../a.py", f"{PROJECT}/a.py"),
        (f"file://{PROJECT}/my%20file.py", f"{PROJECT}/my file.py"),
        ("file:///c:/dev/a.py", "c:\\dev\\a.py"),
    ],
)
def test_paths_are_made_absolute(path: str, known: str) -> None:
    reading = called("post_write_code", file_path=path, edits=[])

    assert [event.body.path for event in reading.events if isinstance(event.body, FileEdit)] == [known]


def test_only_the_last_text_of_a_response_ends_the_turn() -> None:
    reading = called("post_cascade_response", response="### Planner Response\n\nOne.\n\n### Planner Response\n\nTwo?")

    assert [
        (event.body.text, event.body.final) for event in reading.events if isinstance(event.body, AssistantMessage)
    ] == [
        ("One.", False),
        ("Two?", True),
    ]


@pytest.mark.parametrize(
    ("status", "fields", "ended"),
    [
        ("done", {"exit_code": 0}, "ok"),
        ("done", {"exit_code": 1}, "error"),
        ("done", {}, "unknown"),
        ("error", {}, "error"),
        ("canceled", {}, "interrupted"),
        ("pending", {}, None),
    ],
)
def test_how_a_command_ended(status: str, fields: dict[str, object], ended: str | None) -> None:
    reading = folded(row("run_command", status, command_line="make test", **fields))

    assert [event.body.status for event in reading.events if isinstance(event.body, ToolResult)] == (
        [] if ended is None else [ended]
    )
    assert ToolCall in kinds(reading.events)
