"""opencode's material for the contract suite: what real clients wrote, and databases written to step by step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from agents.opencode.stores import LATEST, START_MS, WITHOUT_EVENTS, Client, database
from contract.case import Capabilities, Case, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("opencode")
SESSION: Final = {"id": "ses_made", "directory": "/home/dev/shop"}


def record(data: object, *parts: Any, session: dict[str, Any] | None = None, **fields: Any) -> bytes:
    entries = [{"id": f"prt_{number}", "data": part, "begun": True, "ended": True} for number, part in enumerate(parts)]
    message = {"kind": "message", "session": session or SESSION, "id": "msg_made", "data": data, "parts": entries}
    return json.dumps({**message, "ended": True, **fields}).encode()


def user(*parts: Any, **fields: Any) -> bytes:
    return record({"role": "user", "time": {"created": START_MS}}, *parts, **fields)


def model(*parts: Any, **fields: Any) -> bytes:
    data = {"role": "assistant", "time": {"created": START_MS, "completed": START_MS + 1}, "finish": "stop"}
    return record({**data, **fields}, *parts)


def recordings() -> tuple[Recording, ...]:
    """One of each store and version."""
    databases = [database(FOLDER / version, version) for version in (LATEST, WITHOUT_EVENTS)]
    return tuple(Recording(path, path.parent) for path in databases)


def streamed(folder: Path, made: Callable[[Path], Client] = Client) -> Iterator[Recording]:
    """An answer as it comes in, calls that take their time, a turn that is undone, and one that is killed."""
    path = folder / "data" / "opencode.db"
    with made(path) as client:
        recording = Recording(path, path.parent)
        at = START_MS
        session = client.session(at, "/home/dev/shop")
        asked = client.prompt(session, at + 10, "Fix add().")
        answer = client.answer(session, at + 20, asked)
        yield recording
        text = client.part(session, answer, at + 30, {"type": "text", "text": ""})
        yield recording
        done = {"type": "text", "text": "I will look at it.", "time": {"start": at + 30, "end": at + 40}}
        client.part(session, answer, at + 40, done, text)
        given = {"command": "make test"}
        call = client.tool(session, answer, at + 50, "bash", {}, status="pending")
        yield recording
        client.tool(session, answer, at + 60, "bash", given, part=call, status="running")
        yield recording
        ended = {"status": "completed", "output": "1 failed\n", "metadata": {"exit": 1}}
        client.tool(session, answer, at + 70, "bash", given, part=call, **ended)
        client.finish(session, answer, at + 80, "tool-calls")
        yield recording
        client.say(session, at + 90, "It still fails. Shall I go on?")
        wrong = client.prompt(session, at + 100, "No.")
        client.say(session, at + 110, "As you like.")
        yield recording
        client.write("session", id=session, revert=json.dumps({"messageID": wrong}), time_updated=at + 120)
        yield recording
        client.db.execute("DELETE FROM part WHERE message_id >= ?", (wrong,))
        client.db.execute("DELETE FROM message WHERE id >= ?", (wrong,))
        client.write("session", id=session, revert=None)
        client.prompt(session, at + 130, "Yes.")
        edit = {"filePath": "/home/dev/shop/calc.py", "oldString": "a - b", "newString": "a + b"}
        client.call(session, at + 140, "edit", edit, output="Edit applied successfully.")
        yield recording
        killed = client.answer(session, at + 150)
        client.tool(session, killed, at + 150, "bash", {"command": "sleep 600"}, status="running")
        yield recording
        client.prompt(session, at + 160, "go on")
        client.say(session, at + 170, "Done.")
        yield recording


def in_turns(folder: Path) -> Iterator[Recording]:
    """Two sessions that go on in turns, a sub-agent of one, and a session that is deleted."""
    path = folder / "opencode" / "opencode.db"
    with Client(path, WITHOUT_EVENTS) as client:
        recording = Recording(path, path.parent)
        one, two = (client.session(START_MS + number, f"/home/dev/{number}") for number in (1, 2))
        child = client.session(START_MS + 50, "/home/dev/1", parent=one, title="Find callers (@general subagent)")
        for step in range(4):
            for number, session in enumerate((one, two, child)):
                at = START_MS + 1000 * step + 100 * number + 60
                client.prompt(session, at, f"Prompt {step}")
                client.call(session, at + 10, "bash", {"command": "ls"}, output="a\n", metadata={"exit": 0})
                client.say(session, at + 20, f"Answer {step}")
            yield recording


REJECTED: Final = "The user rejected permission to use this specific tool call"
FORMS: Final = (
    f"{REJECTED}.",
    f"{REJECTED} with the following feedback: Ship it",
    f"PermissionRejectedError: {REJECTED} with the following feedback: Ship it",
    "The user dismissed this question",
    "The user has specified a rule which prevents you from using this specific tool call: Ship it",
    "Tool execution aborted",
    "User aborted the command",
    'User has answered your questions: "Cents?"="Ship it". You can now continue with the user\'s answers in mind.',
    '<task id="ses_1" state="completed">\n<task_result>\nShip it\n</task_result>\n</task>',
    "<system-reminder>\nThe user sent the following message:\nShip it\n</system-reminder>",
    '{"todos":[{"content":"Ship it","status":"pending"}]}',
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    grows_by_lines=False,
    in_place_only=(),
    stages={"streamed": streamed, "in turns": in_turns},
    unknown=(
        record({"role": "oracle", "time": {"created": START_MS}}),
        user({"type": "hologram"}),
        model({"type": "hologram"}),
        model({"type": "tool", "state": {"status": "completed"}}),
    ),
    quiet=(
        model({"type": "step-start", "snapshot": "89c35e13e71a877d70923f868bfab6de030bed5f"}),
        model({"type": "reasoning", "text": "Hm."}),
        model({"type": "text", "text": ""}),
    ),
    not_typed=(
        user({"type": "text", "text": "Called the Read tool with the following input", "synthetic": True}),
        user({"type": "text", "text": "Find callers"}, session={**SESSION, "id": "ses_child", "root": "ses_made"}),
        user({"type": "compaction", "auto": True}),
        model({"type": "text", "text": "An answer."}),
    ),
    strangers=(
        "auth.json",
        "opencode.db-shm",
        ".hidden.db",
        "log/opencode.log",
        "snapshot/a.db",
        "storage/message/ses_1/msg_1.json",
        "storage/part/msg_1/prt_1.json",
        "storage/session_diff/ses_1.json",
        "storage/session/global/notes.json",
        "storage/session/global/ses_1.json",
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="the database, exported sessions",
    shows=frozenset({"compaction", "fork", "limit", "sub-agents", "tests", "title", "todo list"}),
    arrives="an entry in its settings, read at each request, and the pointer in `AGENTS.md`",
)
