"""Chats of VS Code on disk: how they grow, are replaced, copied, moved, damaged and given up."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from agents.copilot.chat_ledger import counted, source_at
from agents.copilot.chat_reading import ChatReading
from agents.copilot.chats import (
    ADD,
    FIX,
    ONE,
    PENDING,
    TWO,
    Json,
    Log,
    Window,
    append,
    chat,
    edits,
    lines_of,
    log_of,
    markdown,
    replace,
    request,
    shell,
    tool,
    uid,
)
from carryover.adapter.contract import Batch, FileStat
from carryover.agents.copilot.adapter import AGENT
from carryover.agents.copilot.vscode_store import MAX_CHAT_BYTES, ChatReader
from carryover.model import AnyBody, AssistantMessage, SessionInfo, ToolCall, ToolResult, UserPrompt
from contract.case import read_on
from contract.test_stages import standing


def states_of(state: Json) -> list[Json]:
    """A chat as it came to be: each answer part by part."""
    found = []
    for number, asked in enumerate(state["requests"]):
        before = state["requests"][:number]
        open_one = {name: value for name, value in asked.items() if name != "result"} | {
            "modelState": {"value": PENDING}
        }
        found += [
            state | {"requests": [*before, open_one | {"response": asked["response"][:length]}]}
            for length in range(len(asked["response"]) + 1)
        ]
        found.append(state | {"requests": [*before, asked]})
    return found


def test_a_log_that_grows_byte_by_byte_is_read_once(window: Window) -> None:
    """Each prefix of the file is a state that a reader could meet."""
    log = Log()
    for state in states_of(chat("grows", ADD)):
        log.write(state)
    data = lines_of(log.entries)
    path = window.path(chat("grows"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    reading = ChatReading(path)
    cuts = {*range(0, len(data), 97), *(place + 1 for place, byte in enumerate(data) if byte == 10), len(data)}
    for end in sorted(cuts):
        path.write_bytes(data[:end])
        reading.read()

    at_once = ChatReading(path).read()
    assert standing(reading.read()) == standing(at_once)
    assert [type(event.body) for event in at_once].count(UserPrompt) == 1


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


def test_a_log_that_is_replaced_by_one_line_changes_nothing(window: Window) -> None:
    """As after 1,024 entries."""
    path = window.store(TWO)
    reading = ChatReading(path)
    before = reading.read()
    batch = ChatReader().read(path, reading.cursor)
    assert batch.records == ()

    window.store(TWO, compact=True)

    assert ChatReader().read(path, reading.cursor).records == ()
    assert reading.read() == before


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


def test_an_answer_that_is_taken_back_in_part_keeps_its_beginning(window: Window) -> None:
    answer = [markdown("First."), {"kind": "undoStop", "id": "s1"}, edits("/x/a.py", "b\n"), markdown("Second.")]
    given = request("Go.", *answer, shouldBeRemovedOnSend={"requestId": "r", "afterUndoStop": "s1"})

    assert ChatReading(window.store(chat("any", given))).bodies(AssistantMessage) == [
        AssistantMessage(text="First.", final=True)
    ]


async def test_reading_again_from_the_beginning_adds_nothing(window: Window, tmp_path: Path) -> None:
    source = source_at(window.store(TWO))
    ledger = tmp_path / "ledger.sqlite"
    once = await counted(ledger, [source], TWO["sessionId"])
    assert len(once) == 18

    window.store(TWO, compact=True)
    os.utime(source.path, ns=(1, 1))

    assert await counted(ledger, [source, source], TWO["sessionId"]) == once


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


def test_a_chat_beyond_measure_is_counted_and_not_held_in_memory(window: Window) -> None:
    path = window.path(ONE)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(MAX_CHAT_BYTES + 1)

    batch = ChatReader().read(path, None)

    assert (batch.records, batch.oversized, batch.more) == ((), 1, False)


def test_a_part_beyond_measure_costs_only_itself(window: Window) -> None:
    long = "x" * (9 << 20)
    parts = (
        tool("shot", "c1", resultDetails={"output": [{"value": long}]}),
        edits("/x/a.py", long),
        markdown("Done."),
    )
    reading = ChatReading(window.store(chat("any", request("Go.", *parts))))

    assert [type(event.body) for event in reading.read()] == [
        UserPrompt, ToolCall, ToolResult, AssistantMessage, SessionInfo,
    ]  # fmt: skip
    assert [(skipped.record_type, skipped.reason) for skipped in reading.skipped] == [
        ("part/textEditGroup", "too long")
    ]


def test_a_long_chat_is_read_on_after_each_batch_by_another_process(window: Window) -> None:
    """The context and cursor are all that a killed daemon leaves."""
    turns = [request(f"Question {number}.", markdown("x" * 20_000), at_s=number) for number in range(100)]
    path = window.store(chat("long", *turns))
    agent = dataclasses.replace(AGENT, reader=Restarted())
    source = source_at(path)
    reading = read_on(agent, source)
    window.store(chat("long", *turns, request("And now?", at_s=900)))

    again = read_on(agent, source, reading)

    assert standing(again.events) == standing(ChatReading(path).read())
    assert len([event for event in again.events if isinstance(event.body, UserPrompt)]) == 101


class Restarted:
    """A reader that remembers nothing but the cursor."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads as a process does that was just started."""
        return ChatReader().read(path, cursor)

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file."""
        return ChatReader().stat(path)


def test_reading_leaves_the_store_as_it_is(window: Window) -> None:
    path = window.store(TWO)
    before = {found: (found.stat(), found.read_bytes()) for found in window.root.rglob("*") if found.is_file()}
    ChatReading(path).read()

    after = {found: (found.stat(), found.read_bytes()) for found in window.root.rglob("*") if found.is_file()}
    stats = [(stat.st_mtime_ns, stat.st_ino, data) for stat, data in before.values()]
    assert [(stat.st_mtime_ns, stat.st_ino, data) for stat, data in after.values()] == stats


def test_records_have_the_number_of_their_request(window: Window) -> None:
    """As `--until N` counts: people see requests, not the parts of an answer."""
    path = window.path(chat("counted"))
    path.parent.mkdir(parents=True)
    path.write_bytes(log_of(chat("counted", ADD, FIX)))

    batch = ChatReader().read(path, None)

    numbers = [record.number for record in batch.records]
    assert (numbers == sorted(numbers), set(numbers)) == (True, {1, 2})
