"""What one record becomes."""

from __future__ import annotations

from typing import Any

import pytest

from agents.opencode.contract_case import model, user
from agents.opencode.stores import START_MS
from carryover.adapter.contract import Source
from carryover.agents.opencode.adapter import AGENT
from carryover.model import Body, SessionInfo, TurnEnd, UserPrompt
from contract.case import Reading, fold_one

SOURCE = Source(agent="opencode", path="/data/opencode/opencode.db")


def parsed(data: bytes, after: Reading | None = None) -> Reading:
    return fold_one(AGENT, SOURCE, data, None if after is None else after.context)


def found(reading: Reading) -> list[Body]:
    return [event.body for event in reading.events if not isinstance(event.body, SessionInfo)]


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ('"What is left?"', "What is left?"),
        ('"What is left?"\n', "What is left?"),
        ('"one" and "two"', '"one" and "two"'),
        ('"word"', '"word"'),
        ("What is left?", "What is left?"),
    ],
)
def test_a_prompt_loses_the_quotes_that_the_client_put_around_it(stored: str, typed: str) -> None:
    assert found(parsed(user({"type": "text", "text": stored}))) == [UserPrompt(text=typed)]


def test_only_what_was_typed_is_a_prompt() -> None:
    read = {"type": "text", "text": "<content>1: secret plan</content>", "synthetic": True}
    file = {"type": "file", "mime": "text/plain", "filename": "a.py", "url": "file:///a.py"}

    assert found(parsed(user({"type": "text", "text": "Explain @a.py"}, file, read))) == [
        UserPrompt(text="Explain @a.py", attachments=1)
    ]
    assert found(parsed(user(file))) == [UserPrompt(text="", attachments=1)]
    assert found(parsed(user({"type": "text", "text": "hidden", "ignored": True}))) == []


def test_a_prompt_counts_whatever_the_clock_of_its_client_said() -> None:
    written = user({"type": "text", "text": "Fix it"}).replace(str(START_MS).encode(), b"1000")

    assert [event.at_ms for event in parsed(written).events if isinstance(event.body, UserPrompt)] == [1000]


def test_a_command_that_a_person_ran_is_theirs() -> None:
    note = {"type": "text", "text": "The following tool was executed by the user", "synthetic": True}
    asked = parsed(user(note))
    call = {"type": "tool", "tool": "bash", "callID": "c", "state": state("completed", {"command": "ls"})}
    ran = parsed(model(call, parentID="msg_made"), asked)

    assert [getattr(body, "actor", None) for body in found(ran)] == ["human", "human"]
    assert [getattr(body, "actor", None) for body in found(parsed(model(call, parentID="msg_other"), asked))] == [
        "model",
        "model",
    ]


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        ({"name": "MessageAbortedError", "data": {"message": "aborted"}}, "interrupted", ""),
        ({"name": "APIError", "data": {"message": "No money", "statusCode": 402}}, "limit", "No money"),
        ({"name": "APIError", "data": {"message": "Usage limit reached", "statusCode": 403}}, "limit", None),
        ({"name": "APIError", "data": {"message": "Overloaded", "statusCode": 529}}, "error", "Overloaded"),
        ({"name": "ProviderAuthError", "data": {"providerID": "x"}}, "error", "ProviderAuthError"),
    ],
)
def test_how_a_turn_ended(error: dict[str, Any], reason: str, message: str | None) -> None:
    [end] = found(parsed(model(error=error)))

    assert isinstance(end, TurnEnd)
    assert end.reason == reason
    assert message is None or end.message == message


def state(status: str, given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"status": status, "input": given, "time": {"start": START_MS, "end": START_MS + 1}, **more}
