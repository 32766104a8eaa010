"""From the messages of a `store.db` to events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.cursor.chats import ID, PROJECT, START_MS, message
from agents.cursor.reading import Told, chat_at
from carryover.adapter.contract import Record
from carryover.model import (
    Answer,
    AnyBody,
    Question,
    Skipped,
    ToolCall,
    ToolResult,
)


def chat() -> Told:
    reported = chat_at(Path(f"/h/.cursor/chats/x/{ID}/store.db"))
    fold(reported, kind="begin", at_ms=START_MS)
    return reported


def fold(reported: Told, cwd: str = PROJECT, **record: Any) -> list[AnyBody]:
    given = {"conversation": {"id": ID, "folders": [cwd]}, **record}
    return [event.body for event in reported.fold_in(Record(number=1, data=json.dumps(given).encode()))]


def give(reported: Told, *conversation: dict[str, Any]) -> list[AnyBody]:
    found: list[AnyBody] = []
    for one in conversation:
        ident = f"m{len(reported.standing)}{len(found)}"
        found += fold(reported, kind="message", data=one, message_id=ident, noted_ms=START_MS + 60_000)
    return found


def call(name: str, call_id: str = "c", **args: Any) -> dict[str, Any]:
    return message("assistant", {"type": "tool-call", "toolCallId": call_id, "toolName": name, "args": args})


def result(value: Any, call_id: str = "c", **more: Any) -> dict[str, Any]:
    return message("tool", {"type": "tool-result", "toolCallId": call_id, "toolName": "x", "result": value, **more})


def test_a_call_and_its_result_are_paired() -> None:
    found = give(chat(), call("Shell", command="make test"), result("Exit code: 2\n\nCommand output:\nno rule\n"))

    assert found == [
        ToolCall(call_id="c", name="Shell", op="shell", subject="make test"),
        ToolResult(
            call_id="c", name="Shell", op="shell", status="error", subject="make test", exit_code=2, output="no rule\n"
        ),
    ]


def test_an_answer_closes_its_question() -> None:
    found = give(
        chat(), call("AskQuestion", questions=[{"prompt": "Go on?"}, {"prompt": "How?"}]), result("Yes, slowly")
    )

    assert found[1:3] == [Question(call_id="c", text="Go on?"), Question(call_id="c", text="How?")]
    assert found[-1] == Answer(call_id="c", question="Go on? / How?", text="Yes, slowly")


@pytest.mark.parametrize(
    ("one", "skipped"),
    [
        ({"role": "judge", "content": ""}, Skipped(record_type="message/judge", reason="unknown role")),
        ({"content": ""}, Skipped(record_type="message", reason="unexpected shape")),
        (message("assistant", {"type": "new"}), Skipped(record_type="message/assistant/new", reason="unknown block")),
        (message("assistant", {"text": "x"}), Skipped(record_type="message/assistant", reason="unexpected block")),
        (call("", "c"), Skipped(record_type="tool-call", reason="no usable id or name")),
        (call("Shell", "c" * 5000), Skipped(record_type="tool-call", reason="no usable id or name")),
        (result("", ""), Skipped(record_type="message/tool/tool-result", reason="no usable id")),
        (call("TodoWrite", todos=5), Skipped(record_type="tool-call/TodoWrite", reason="unexpected input")),
    ],
)
def test_what_is_not_understood_is_counted(one: dict[str, Any], skipped: Skipped) -> None:
    reported = chat()
    give(reported, one)

    assert reported.skipped == [skipped]
