"""Chats of VS Code on disk: how they grow, are replaced, copied, moved, damaged and given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents.copilot.chat_reading import ChatReading, counted, source_at
from agents.copilot.chats import (
    ADD,
    FIX,
    ONE,
    PENDING,
    TWO,
    Json,
    Window,
    append,
    chat,
    log_of,
    markdown,
    replace,
    request,
    shell,
    uid,
)
from carryover.agents.copilot.vscode_reader import ChatReader
from carryover.model import AnyBody, AssistantMessage, SessionInfo, ToolCall, ToolResult, UserPrompt


def test_an_answer_that_is_being_written_is_read_as_it_is_now(window: Window) -> None:
    asked = request("Fix add().", state=PENDING)
    path = window.store(chat("live", asked))
    reading = ChatReading(path)

    def read(*parts: Json, **more: Any) -> list[AnyBody]:
        window.store(chat("live", asked | {"response": list(parts)} | more))
        return [event.body for event in reading.read() if not isinstance(event.body, SessionInfo | UserPrompt)]

    said, runs = markdown("I will run the tests."), shell("make test", "c1")
    assert read(markdown("I will")) == [AssistantMessage(text="I will", final=None, aborted=True)]
    assert [type(body) for body in read(said, runs)] == [AssistantMessage, ToolCall]
    done = shell("make test", "c1", "ok\n", 0)
    assert [type(body) for body in read(said, done)] == [AssistantMessage, ToolCall, ToolResult]
    last = read(said, done, markdown("All tests pass."), modelState={"value": 1, "completedAt": 1_772_442_080_000})
    assert last[-1] == AssistantMessage(text="All tests pass.", final=True)


async def test_a_request_that_is_taken_back_no_longer_counts(window: Window, tmp_path: Path) -> None:
    undone = ADD | {"shouldBeRemovedOnSend": {"requestId": ADD["requestId"]}}
    source = source_at(window.store(chat("two", FIX, ADD)))
    ledger = tmp_path / "ledger.sqlite"
    both = await counted(ledger, [source], uid("two"))

    window.store(chat("two", FIX, undone))
    left = await counted(ledger, [source], uid("two"))
    assert left == both[: len(left)]
    assert not any("sub()" in repr(body) for body in left)

    window.store(chat("two", FIX, ADD))
    assert await counted(ledger, [source], uid("two")) == both

    window.store(chat("two", FIX, request("Never mind.", at_s=400)))
    assert (await counted(ledger, [source], uid("two")))[-1] == UserPrompt(text="Never mind.")


def test_a_log_without_an_initial_state_is_counted_once_and_read_when_it_has_one(window: Window) -> None:
    path = window.path(ONE)
    append(path, b'{"kind":1,"k":["customTitle"],"v":"x"}\n')
    reading = ChatReading(path)
    assert reading.read() == reading.read() == []
    assert [skipped.reason for skipped in reading.skipped] == ["no initial state"]

    replace(path, log_of(ONE))
    assert len(reading.read()) == 9


def test_a_line_that_cannot_be_applied_costs_what_follows_until_the_log_is_replaced(window: Window) -> None:
    path = window.store(chat("two", FIX))
    reading = ChatReading(path)
    before = reading.read()
    append(path, b"torn by a crash\n")
    window.store(TWO)

    assert reading.read() == reading.read() == before
    assert [skipped.reason for skipped in reading.skipped] == ["not JSON"]

    window.store(TWO, compact=True)
    assert len([event for event in reading.read() if isinstance(event.body, UserPrompt)]) == 2


def test_records_have_the_number_of_their_request(window: Window) -> None:
    """As `--until N` counts: people see requests, not the parts of an answer."""
    path = window.path(chat("counted"))
    path.parent.mkdir(parents=True)
    path.write_bytes(log_of(chat("counted", ADD, FIX)))

    batch = ChatReader().read(path, None)

    numbers = [record.number for record in batch.records]
    assert (numbers == sorted(numbers), set(numbers)) == (True, {1, 2})
