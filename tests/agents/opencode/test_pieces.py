"""When a piece of a session is read: as soon as it is final, once, and never what was undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.opencode.stores import START_MS, Client, bodies
from carryover.adapter.contract import Source
from carryover.agents.opencode.adapter import AGENT
from carryover.agents.opencode.database import PROMPT_SETTLED_MS, SETTLED_MS, DatabaseReader
from carryover.agents.opencode.wire import Context
from carryover.model import AssistantMessage, ToolCall, ToolResult, UserPrompt
from contract.case import Reading, read_on


class Watched:
    """A database that is read at times of the test's own."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.now_ms = START_MS
        self.reading = Reading(context=Context())
        self._agent = replace(AGENT, reader=DatabaseReader(lambda: self.now_ms))
        self._source = Source(agent=AGENT.id, path=str(client.path))

    @property
    def retry_after_s(self) -> float | None:
        return self.reading.batches[-1].retry_after_s

    def read(self, now_ms: int) -> Reading:
        self.now_ms = now_ms
        return read_on(self._agent, self._source, self.reading)

    def texts(self, now_ms: int) -> list[str]:
        bodies = (event.body for event in self.read(now_ms).events)
        return [body.text for body in bodies if isinstance(body, UserPrompt | AssistantMessage)]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with Client(tmp_path / "opencode.db") as client:
        yield Watched(client)


def test_a_call_is_known_before_its_result(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Test it.")
    answer = client.answer(session, at + 2)
    call = client.tool(session, answer, at + 3, "bash", {}, status="pending")
    assert bodies(watched.read(at + 4), ToolCall) == []

    client.tool(session, answer, at + 5, "bash", {"command": "make"}, part=call, status="running")
    assert [found.subject for found in bodies(watched.read(at + 6), ToolCall)] == ["make"]
    assert watched.retry_after_s is not None and watched.retry_after_s > SETTLED_MS / 1000 - 1

    done = {"status": "completed", "output": "ok\n", "metadata": {"exit": 0}}
    client.tool(session, answer, at + 60_000, "bash", {"command": "make"}, part=call, **done)
    client.finish(session, answer, at + 60_001, "tool-calls")
    assert [found.exit_code for found in bodies(watched.read(at + 60_002), ToolResult)] == [0]
    assert len(bodies(watched.reading, ToolCall)) == 1
    assert watched.retry_after_s is None


def test_a_prompt_is_read_once_all_of_it_is_there(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Look at @a.py.")
    assert watched.texts(at + 2) == []
    assert watched.texts(at + 1 + PROMPT_SETTLED_MS) == ["Look at @a.py."]


def test_a_text_is_the_answer_only_when_its_message_has_ended_so(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Fix it.")
    answer = client.answer(session, at + 2)
    text = {"type": "text", "text": "Looking.", "time": {"start": at + 3, "end": at + 4}}
    client.part(session, answer, at + 4, text)
    client.part(session, answer, at + 5, {"type": "step-finish", "reason": "stop"})
    assert watched.texts(at + 6) == ["Fix it."]

    client.finish(session, answer, at + 7, "stop")
    [message] = bodies(watched.read(at + 8), AssistantMessage)
    assert message.final is True


def test_what_a_killed_client_left_is_taken_after_a_while_and_when_it_continues(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Fix it.")
    answer = client.answer(session, at + 2)
    part = client.part(session, answer, at + 3, {"type": "text", "text": "Half"})
    assert watched.texts(at + 4) == ["Fix it."]
    assert watched.texts(at + 4 + SETTLED_MS) == ["Fix it.", "Half"]
    client.part(session, answer, at + 5, {"type": "text", "text": "Half an"}, part)
    assert watched.texts(at + 5 + SETTLED_MS) == ["Fix it.", "Half an"]

    client.prompt(session, at + 6 + SETTLED_MS, "Go on.")
    client.say(session, at + 7 + SETTLED_MS, "Done.")
    assert watched.texts(at + 8 + SETTLED_MS) == ["Fix it.", "Half an", "Go on.", "Done."]


def test_a_turn_that_is_undone_is_gone_and_comes_back(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "One.")
    client.say(session, at + 2, "First.")
    second = client.prompt(session, at + 3, "Two.")
    client.say(session, at + 4, "Second.")
    everything = ["One.", "First.", "Two.", "Second."]
    assert watched.texts(at + 5) == everything

    client.write("session", id=session, revert=json.dumps({"messageID": second}))
    assert watched.texts(at + 6) == ["One.", "First."]
    client.write("session", id=session, revert=None)
    assert watched.texts(at + 7) == everything


def test_a_part_that_is_undone_is_gone(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "One.")
    answer = client.answer(session, at + 2)
    client.part(session, answer, at + 3, {"type": "text", "text": "Kept."})
    gone = client.part(session, answer, at + 4, {"type": "text", "text": "Gone."})
    client.finish(session, answer, at + 5)
    client.write("session", id=session, revert=json.dumps({"messageID": answer, "partID": gone}))

    assert watched.texts(at + 6) == ["One.", "Kept."]
