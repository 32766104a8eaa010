"""Goose's material for the contract suite: a database written step by step as its public source does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agents.goose.stores import START_S, Client, ran, request, said, success
from contract.case import Capabilities, Case, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("goose")
SESSION: Final = {"id": "20261120_1", "directory": "/home/dev/shop"}


def record(role: str, *parts: dict[str, Any], **fields: Any) -> bytes:
    entry = {"role": role, "key": "m/1", "content": parts, **fields}
    return json.dumps({"kind": "message", "session": SESSION, "entry": entry, "at_ms": START_S * 1000}).encode()


def written(folder: Path) -> Iterator[Recording]:
    """Two sessions in turns, one of which is compacted and copied."""
    path = folder / "sessions" / "sessions.db"
    with Client(path) as client:
        recording = Recording(path, path.parent)
        at = START_S
        for name in ("20261120_1", "20261120_2"):
            client.session(name, f"/home/dev/{name}", name=f"The work of {name}")
            client.say(name, at + 1, "user", "Fix add().")
        yield recording
        client.say("20261120_1", at + 2, "assistant", "I run the tests.")
        client.use("20261120_1", at + 3, "developer__shell", {"command": "pytest"}, ran("1 failed in 0.10s", 1))
        client.say("20261120_2", at + 3, "assistant", "Done.")
        yield recording
        edit = {"path": "calc.py", "before": "a - b", "after": "a + b"}
        client.use("20261120_1", at + 4, "edit", edit, success("Edited calc.py (1 lines -> 1 lines)"))
        client.use("20261120_1", at + 5, "todo__todo_write", {"content": "- [x] Fix\n- [ ] Test"}, success("Updated"))
        yield recording
        client.compact("20261120_1", at + 6, "The user wants add() fixed.")
        client.say("20261120_1", at + 7, "assistant", "Fixed. Shall I go on?")
        yield recording
        client.session("20261120_3", "/home/dev/20261120_1", name="A copy")
        rows = client.db.execute(
            "SELECT message_id, role, content_json, created_timestamp, metadata_json FROM messages"
            " WHERE session_id = '20261120_1' ORDER BY id"
        ).fetchall()
        for ident, role, content, created, shown in rows:
            client.add("20261120_3", created, role, *json.loads(content), ident=ident, shown=json.loads(shown))
        client.say("20261120_3", at + 8, "user", "Yes.")
        yield recording


def recordings() -> tuple[Recording, ...]:
    *_, last = written(FOLDER)
    return (last,)


FORMS: Final = (
    "The user has declined to run this tool. DO NOT attempt to call this tool again. Ship it",
    "The tool call was interrupted by the user.",
    "- [ ] Ship it",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    places=6,
    grows_by_lines=False,
    in_place_only=("sessions.db",),
    stages={"written": written},
    unknown=(
        record("oracle"),
        record("user", {"type": "hologram"}),
        record("assistant", {"type": "toolRequest", "id": "x"}),
    ),
    quiet=(
        record("assistant", {"type": "thinking", "thinking": "Hm.", "signature": ""}),
        record("assistant", {"type": "systemNotification", "notificationType": "inlineMessage", "msg": "Compacted"}),
    ),
    not_typed=(
        record("user", said("The user wants add() fixed."), sums_up=True),
        record("assistant", said("An answer.")),
        record("user", {"type": "toolResponse", "id": "c", "toolResult": success("words")}),
        record("assistant", request("c", "developer__shell", {"command": "make"})),
    ),
    strangers=("20251001_120000.jsonl", "sessions.db-shm", "other.db", "deeper/sessions.db"),
)

CAPABILITIES: Final = Capabilities(
    reads="the database of all sessions",
    shows=frozenset({"compaction", "fork", "tests", "title", "todo list"}),
    synthetic="no client of it installs from a package registry, so its form is taken from its public source",
)
