"""Material of chats in VS Code for the contract suite: synthetic, since no editor could be run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agents.copilot.chats import (
    CANCELLED,
    ONE,
    PENDING,
    PROJECT,
    START_MS,
    TWO,
    Json,
    Window,
    chat,
    log_of,
    markdown,
    replace,
    request,
    shell,
    tool,
    uid,
)
from contract.case import Case, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("copilot")

HELPER: Final = tool(
    "runSubagent",
    "call_sub",
    message="List the tests",
    data={"kind": "subagent", "description": "List the tests", "prompt": "SUBAGENT: list them", "result": "One."},
)
WITH_HELPER: Final = chat(
    "helped",
    request(
        "List the tests.",
        HELPER,
        shell("ls tests", "call_ls", "test_calc.py\n", 0) | {"subAgentInvocationId": "call_sub"},
        markdown("There is one."),
    ),
    request("And the others?", markdown("I will"), state=CANCELLED, at_s=200),
)


def record(kind: str, **fields: Any) -> bytes:
    """A record of the reader."""
    session = {"id": ONE["sessionId"], "directory": PROJECT}
    return json.dumps({"kind": kind, "session": session} | fields).encode()


def asked(*parts: Json, text: str = "Go.", more: Json | None = None, **fields: Any) -> bytes:
    """The record of a request."""
    given = {"timestamp": START_MS, "message": {"text": text}, "modelState": {"value": 1}, **(more or {})}
    return record("message", ident="r1", request=given | {"response": list(parts)}, **fields)


def recordings() -> tuple[Recording, ...]:
    """A log as it grew and as one line, one object, and a chat of an empty window."""
    window = Window(FOLDER / "User")
    paths = (window.store(ONE), window.store(TWO, compact=True), window.store_flat(ONE | {"sessionId": uid("flat")}))
    empty = FOLDER / "User" / "globalStorage" / "emptyWindowChatSessions"
    replace(empty / f"{uid('empty')}.jsonl", log_of(ONE | {"sessionId": uid("empty")}))
    found = [Recording(path, window.root) for path in (*paths, window.store(WITH_HELPER))]
    return (*found, Recording(empty / f"{uid('empty')}.jsonl", empty))


def streamed(folder: Path) -> Iterator[Recording]:
    """An answer as it is written, a running command, and a request that is retracted and asked differently."""
    window = Window(folder / "User")
    asked = request("Fix add().", state=PENDING)
    running, done = shell("make test", "c1"), shell("make test", "c1", "1 failed\n", 1)
    said, last = markdown("I will look at it."), markdown("It still fails. Shall I go on?")
    first = request("Fix add().", said, done, last)
    wrong = request("No.", markdown("As you like."), at_s=100)
    for state in (
        chat("streamed", asked),
        chat("streamed", asked | {"response": [markdown("I will")]}),
        chat("streamed", asked | {"response": [said, running]}),
        chat("streamed", asked | {"response": [said, done]}),
        chat("streamed", asked | {"response": [said, done, last]}),
        chat("streamed", first, wrong),
        chat("streamed", first, wrong | {"shouldBeRemovedOnSend": {"requestId": wrong["requestId"]}}),
        chat("streamed", first, request("Yes.", markdown("Done."), at_s=200), customTitle="Fix add()"),
    ):
        yield Recording(window.store(state), window.root)
    yield Recording(window.store(state, compact=True), window.root)


CHATS: Final = Case(
    recordings=recordings(),
    forms=(
        "The user cancelled the tool call.",
        "The user chose to skip the tool call, they want to proceed without it",
    ),
    grows_by_lines=False,
    stages={"streamed": streamed},
    unknown=(
        record("brand_new"),
        asked({"kind": "brandNew"}, text=""),
        asked({"words": 1}, text=""),
        asked({"kind": "toolInvocationSerialized"}, text=""),
        record("message", why="remote workspace"),
    ),
    quiet=(
        record("begin", at_ms=START_MS),
        asked(
            {"kind": "thinking", "value": "words"},
            {"kind": "progressTaskSerialized", "content": {"value": "words"}},
            {"value": "\n"},
            text=" \n",
        ),
    ),
    not_typed=(
        asked(text="Continue to iterate?", more={"confirmation": "Continue"}),
        asked(HELPER, text=""),
        asked({"value": "An answer."}, text=""),
    ),
    strangers=(
        "state.vscdb",
        "a1/workspace.json",
        "a1/chatSessions/notes.txt",
        "a1/chatSessions/a b.jsonl",
        "a1/chatSessions/deeper/x.jsonl",
        "a1/chatEditingSessions/x/state.json",
        "a1/GitHub.copilot-chat/transcripts/x.jsonl",
    ),
)
