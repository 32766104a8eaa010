"""Hermes Agent's material for the contract suite: what a real client wrote, and a database written step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agents.hermes.stores import RECORDED, START_S, Client, database
from contract.case import Capabilities, Case, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("hermes")
SESSION: Final = {"id": "20261120_120000_abcdef", "directory": "/home/dev/shop"}


def record(role: str, content: str = "", session: dict[str, Any] | None = None, **fields: Any) -> bytes:
    entry = {"role": role, "at_us": round(START_S * 1_000_000), "content": content, **fields}
    return json.dumps(
        {"kind": "message", "session": session or SESSION, "entry": entry, "at_ms": round(START_S * 1000)}
    ).encode()


def recordings() -> tuple[Recording, ...]:
    paths = [database(FOLDER / name, name) for name in RECORDED]
    return tuple(Recording(path, path.parent) for path in paths)


def written(folder: Path) -> Iterator[Recording]:
    """Two sessions in turns, one of which the user goes back in, and whose provider then refuses."""
    path = folder / "hermes" / "state.db"
    with Client(path) as client:
        recording = Recording(path, path.parent)
        at = START_S
        for name in ("one", "two"):
            client.session(name, at, f"/home/dev/{name}")
            client.say(name, at + 1, "user", "Fix add().")
        yield recording
        call = client.call("one", at + 2, "terminal", {"command": "make test"}, "I run it.")
        yield recording
        client.result("one", at + 3, "terminal", call, {"output": "1 failed", "exit_code": 1, "error": None})
        client.say("two", at + 3, "assistant", "Done.", finish_reason="stop")
        yield recording
        client.say("one", at + 4, "assistant", "It fails. Shall I go on?", finish_reason="stop")
        client.say("one", at + 5, "user", "No.")
        client.say("one", at + 6, "assistant", "As you like.", finish_reason="stop")
        yield recording
        client.db.execute("UPDATE messages SET active = 0 WHERE session_id = 'one' AND timestamp >= ?", (at + 5,))
        client.db.commit()
        yield recording
        client.say("one", at + 7, "user", "Yes.")
        client.fail("one", at + 8, {"status_code": 402, "message": "Error code: 402 - usage limit"})
        yield recording
        client.say("one", at + 9, "user", "Again.")
        client.say("one", at + 10, "assistant", "Done.", finish_reason="stop")
        yield recording


FORMS: Final = (
    '{"output":"","exit_code":-1,"error":"Ship it","status":"blocked"}',
    '{"output":"","exit_code":-1,"error":"Ship it","status":"pending_approval"}',
    '{"question":"Cents?","choices_offered":[],"user_response":"Ship it"}',
    '{"todos":[{"id":"1","content":"Ship it","status":"pending"}]}',
    "[CONTEXT COMPACTION \u2014 REFERENCE ONLY] Earlier turns were compacted.\n## Active Task\nShip it",
    "[CONTEXT SUMMARY]:\n## Goal\nShip it",
    '[IMPORTANT: The user has invoked the "ship" skill.]\nThe user has provided the following instruction: Ship it',
    '{"output":"1"}\n\nUser guidance: Ship it',
    "[Command interrupted]",
    "Operation interrupted.",
    "[ASYNC DELEGATION COMPLETE] Ship it",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    grows_by_lines=False,
    in_place_only=("*/story/hermes/state.db",),
    stages={"written": written},
    unknown=(
        record("oracle"),
        record("tool", "{}"),
        record("assistant", calls=[{"type": "function", "function": {"name": "terminal"}}]),
    ),
    quiet=(
        record("system", "You are Hermes Agent."),
        record("session_meta", "{}"),
        record("assistant", "", finish="stop"),
        record("user", "[IMPORTANT: Background process proc_1 completed (exit code 0).]"),
    ),
    not_typed=(
        record("user", "[ASYNC DELEGATION COMPLETE — deleg_1]\nThe child is done."),
        record("user", "[Continuing toward your standing goal]\nGoal: Fix it.\n\nContinue working toward this goal."),
        record("user", "[Continuing toward this kanban task — judge says it is not done yet]\nReason: no test"),
        record("user", "[The work looks complete, but the task is still open]\nReason: a test passes"),
        record("user", "Continue from the compressed conversation context above. This marker exists because no."),
        record("user", "You've reached the maximum number of tool-calling iterations allowed. Please summarize."),
        record("user", "[CONTEXT COMPACTION — REFERENCE ONLY] ... avoid repeating it:\n## Goal\nFix it."),
        record("user", "Look at prices.py", session={**SESSION, "id": "child", "root": SESSION["id"]}),
        record("assistant", "An answer.", finish="stop"),
    ),
    strangers=(
        "config.yaml",
        "kanban.db",
        "verification_evidence.db",
        "state.db-shm",
        "sessions/sessions.json",
        "profiles/work/other.db",
        "state-snapshots/1/state.db",
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="the databases of all profiles",
    shows=frozenset({"compaction", "fork", "limit", "sub-agents", "tests", "title", "todo list", "who asks"}),
)
