"""Chats of VS Code as its public source says that they are stored: states, and the log that leads from one to the next.

No editor could be run, so these are synthetic: they show that the adapter follows FACTS.md, not that VS Code does.
"""

from __future__ import annotations

import copy
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from carryover.adapter.contract import Agent, Source
from carryover.agents.copilot.adapter import AGENT
from carryover.agents.copilot.chats import chat_reader
from carryover.model import AnyBody, Event, Skipped
from contract.case import Reading, read_on

T = TypeVar("T", bound=AnyBody)

PROJECT: Final = "/home/dev/demo"
START_MS: Final = 1_772_442_000_000
WINDOW: Final = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
PENDING, COMPLETE, CANCELLED, FAILED = range(4)

Json = dict[str, Any]


def uid(*parts: object) -> str:
    """The same id in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))


def markdown(text: str) -> Json:
    return {"value": text, "isTrusted": False, "supportThemeIcons": False, "supportHtml": False}


def uri(path: str, scheme: str = "file") -> Json:
    return {"$mid": 1, "fsPath": path, "external": f"{scheme}://{quote(path)}", "path": path, "scheme": scheme}


def tool(tool_id: str, call_id: str, *, message: Any = "", data: Json | None = None, **more: Any) -> Json:
    part = {
        "kind": "toolInvocationSerialized",
        "invocationMessage": markdown(message) if isinstance(message, str) else message,
        "isConfirmed": {"type": 4},
        "isComplete": True,
        "source": {"type": "internal", "label": "Built-In"},
        "toolCallId": call_id,
        "toolId": tool_id,
    }
    return part | ({"toolSpecificData": data} if data is not None else {}) | more


def shell(command: str, call_id: str, output: str | None = None, code: int | None = None, **more: Any) -> Json:
    """A command; without output it has not ended."""
    data: Json = {"kind": "terminal", "language": "sh", "commandLine": {"original": command}, "cwd": uri(PROJECT)}
    if output is not None:
        data["terminalCommandState"] = {"timestamp": START_MS + 30_000, "duration": 900} | (
            {"exitCode": code} if code is not None else {}
        )
        data["terminalCommandOutput"] = {"text": output, "lineCount": output.count("\n")}
    return tool("run_in_terminal", call_id, message=f"Running `{command}`", data=data, **more)


def edit_call(path: str, call_id: str, tool_id: str = "copilot_replaceString", **more: Any) -> Json:
    message = {"value": f"Editing [](file://{quote(path)})", "uris": {f"file://{quote(path)}": uri(path)}}
    return tool(tool_id, call_id, message=message, **more)


def edits(path: str, text: str, lines: tuple[int, int] = (2, 3), *, done: bool = True, scheme: str = "file") -> Json:
    place = {"startLineNumber": lines[0], "startColumn": 1, "endLineNumber": lines[1], "endColumn": 1}
    change = [{"text": text, "range": place}]
    return {"kind": "textEditGroup", "uri": uri(path, scheme), "edits": [change, []], "done": done}


def fence() -> Json:
    return markdown("\n```\n")


def todos(*entries: tuple[str, str]) -> Json:
    listed = [{"id": str(number), "title": title, "status": status} for number, (title, status) in enumerate(entries)]
    return tool(
        "manage_todo_list", "call_todos", message="Updated todo list", data={"kind": "todoList", "todoList": listed}
    )


def request(text: str, *response: Json, state: int | None = COMPLETE, at_s: int = 0, **more: Any) -> Json:
    """One request with its answer. `at_s`: seconds after the chat began."""
    asked_ms = START_MS + at_s * 1000
    base: Json = {
        "requestId": f"request_{uid(text, at_s)}",
        "timestamp": asked_ms,
        "message": {"text": text, "parts": [{"kind": "text", "text": text}]},
        "agent": {"id": "github.copilot.editsAgent", "name": "agent", "extensionVersion": "0.48.1"},
        "modelId": "copilot/test-model",
        "variableData": {"variables": []},
        "response": list(response),
    }
    if state is not None:
        base["modelState"] = {"value": state} | ({"completedAt": asked_ms + 80_000} if state else {})
    if state == COMPLETE:
        base["result"] = {"timings": {"totalElapsed": 60_000}, "metadata": {"resolvedModel": "test-model"}}
    return base | more


def chat(name: str, *requests: Json, **more: Any) -> Json:
    """The whole state of a chat."""
    return {
        "version": 3,
        "responderUsername": "GitHub Copilot",
        "initialLocation": "panel",
        "requests": list(requests),
        "sessionId": uid(name),
        "creationDate": START_MS,
        "hasPendingEdits": False,
        "inputState": {"attachments": [], "mode": {"id": "agent", "kind": "agent"}, "inputText": ""},
        "pendingRequests": [],
    } | more


class Log:
    """A log of mutations as the editor writes it: what differs from the state before, in the smallest entries."""

    def __init__(self) -> None:
        self.entries: list[Json] = []
        self._state: Json | None = None

    def write(self, state: Json) -> list[Json]:
        """The entries that lead to `state`."""
        new: list[Json] = []
        if self._state is None:
            new = [{"kind": 0, "v": copy.deepcopy(state)}]
        else:
            _differ((), self._state, state, new)
        self._state = copy.deepcopy(state)
        self.entries += new
        return new


def lines_of(entries: Sequence[Json]) -> bytes:
    """Entries as they are in a file."""
    return b"".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for entry in entries)


def log_of(*states: Json) -> bytes:
    """The log that leads through these states."""
    log = Log()
    for state in states:
        log.write(state)
    return lines_of(log.entries)


def _differ(path: tuple[str | int, ...], old: Any, new: Any, found: list[Json]) -> None:
    """Requests are compared one by one, while they have the same id; of other lists what follows the first difference
    is written again."""
    if isinstance(old, dict) and isinstance(new, dict) and old.get("requestId") == new.get("requestId"):
        for name in [*old, *(name for name in new if name not in old)]:
            if name not in new:
                found.append({"kind": 3, "k": [*path, name]})
            else:
                _differ((*path, name), old.get(name, ...), new[name], found)
    elif isinstance(old, list) and isinstance(new, list):
        same = 0
        for before, after in zip(old, new, strict=False):
            if path == ("requests",) and before.get("requestId") == after.get("requestId"):
                _differ((*path, same), before, after, found)
            elif before != after:
                break
            same += 1
        if same < len(old) or same < len(new):
            cut = {"i": same} if same < len(old) else {}
            more = {"v": copy.deepcopy(new[same:])} if same < len(new) else {}
            found.append({"kind": 2, "k": list(path)} | cut | more)
    elif old != new:
        found.append({"kind": 1, "k": list(path), "v": copy.deepcopy(new)})


class Window:
    """The storage of a window, and the chats in it."""

    def __init__(self, user: Path, folder: str | Json | None = PROJECT, name: str = WINDOW) -> None:
        self.root = user / "workspaceStorage"
        self.storage = self.root / name
        self._logs: dict[str, Log] = {}
        self.storage.mkdir(parents=True, exist_ok=True)
        if folder is not None:
            named = {"folder": f"file://{quote(folder)}"} if isinstance(folder, str) else folder
            (self.storage / "workspace.json").write_text(json.dumps(named, indent=2))

    def path(self, state: Mapping[str, Any], suffix: str = ".jsonl") -> Path:
        """Where a chat is."""
        return self.storage / "chatSessions" / f"{state['sessionId']}{suffix}"

    def store(self, state: Json, *, compact: bool = False) -> Path:
        """Stores a chat: appended, or as a new file of one line."""
        path = self.path(state)
        log = Log() if compact else self._logs.get(state["sessionId"], Log())
        self._logs[state["sessionId"]] = log
        entries = log.write(state)
        if compact:
            replace(path, lines_of(entries))
        else:
            append(path, lines_of(entries))
        return path

    def store_flat(self, state: Json) -> Path:
        """Stores a chat as versions before 1.109 do."""
        path = self.path(state, ".json")
        replace(path, json.dumps(state, indent=2, ensure_ascii=False).encode())
        return path


def append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


def replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(data)
    os.replace(beside, path)  # noqa: PTH105


FAILED_TEST: Final = "F\nFAIL: test_add (tests.test_calc.T.test_add)\nAssertionError: 2 != 3\n\nFAILED (failures=1)\n"

FIX: Final = request(
    "The add function in src/calc.py is wrong. Fix it and run the tests.",
    markdown("I will change the operator in "),
    {"kind": "inlineReference", "inlineReference": uri(f"{PROJECT}/src/calc.py")},
    markdown(" and run the tests."),
    {"kind": "thinking", "value": "THOUGHT"},
    edit_call(f"{PROJECT}/src/calc.py", "call_edit"),
    fence(),
    {"kind": "codeblockUri", "uri": uri(f"{PROJECT}/src/calc.py"), "isEdit": True},
    edits(f"{PROJECT}/src/calc.py", "    return a * b\n"),
    fence(),
    shell("python3 -m unittest tests.test_calc", "call_test", FAILED_TEST, 1),
    markdown("test_add still fails (2 != 3). Should I switch it to plain addition, or is the test itself wrong?"),
)
ADD: Final = request(
    "Add a sub() function with a test in a new file.",
    todos(("Write sub()", "completed"), ("Write its test", "in-progress"), ("Run it", "not-started")),
    edit_call(f"{PROJECT}/src/sub.py", "call_create", "copilot_createFile"),
    edits(f"{PROJECT}/src/sub.py", "def sub(a, b):\n    return a - b\n", (1, 1)),
    edit_call(f"{PROJECT}/src/missing.py", "call_missing", resultError="no such file: src/missing.py"),
    markdown("Created src/sub.py. Next step: add tests/test_sub.py."),
    at_s=300,
)
ONE: Final = chat("one", FIX, customTitle="Fix add()")
TWO: Final = chat("two", FIX, ADD)


class ChatReading:
    """A chat that is read again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._agent: Agent = replaced(AGENT, reader=chat_reader())
        self._source = Source(agent=AGENT.id, path=str(path))
        self._reading: Reading | None = None

    def read(self) -> list[Event]:
        """What counts now."""
        self._reading = read_on(self._agent, self._source, self._reading)
        return self._reading.events

    @property
    def skipped(self) -> list[Skipped]:
        assert self._reading is not None
        return self._reading.skipped

    def bodies(self, kind: type[T]) -> list[T]:
        """The bodies of one kind, after a read."""
        return [event.body for event in self.read() if isinstance(event.body, kind)]


def events(window: Window, *requests: Json, **more: Any) -> list[Event]:
    """The events of a chat at rest."""
    return ChatReading(window.store(chat("any", *requests, **more))).read()


def bodies(window: Window, kind: type[T], *requests: Json, **more: Any) -> list[T]:
    """Their bodies of one kind."""
    return [event.body for event in events(window, *requests, **more) if isinstance(event.body, kind)]


def answered(window: Window, kind: type[T], *parts: Json, **more: Any) -> list[T]:
    """The bodies of one kind in a chat whose one answer has these parts."""
    return bodies(window, kind, request("Go.", *parts, **more))
