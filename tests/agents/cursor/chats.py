"""Cursor's one-conversation stores made up: `store.db` with its `meta.json`, and agent-transcripts.

No client could be run, so they follow what is known of the formats (FACTS.md). The same steps give both forms.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

PROJECT = "/home/dev/demo"
SLUG = "home-dev-demo"
ID = "0b8f4a52-5d57-4a27-9be2-3f1de9b3c001"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a conversation. `text` is what was said, or what a command printed or an edit failed with."""

    kind: Literal["user", "say", "shell", "create", "edit", "edit_fail"]
    text: str = ""
    path: str = ""
    old: str = ""
    new: str = ""
    command: str = ""
    exit_code: int = 0


ONE = (
    Step("user", "The add function in src/calc.py is wrong. Fix it and run the tests."),
    Step("say", "I will change the operator in src/calc.py."),
    Step("edit", path="src/calc.py", old="    return a - b\n", new="    return a * b\n"),
    Step("shell", "AssertionError: 2 != 3\n", command="python3 -m unittest tests.test_calc", exit_code=1),
    Step("say", "test_add still fails. Should I switch to addition?"),
)
TWO = (
    Step("user", "Yes. Then add a sub() function in a new file."),
    Step("create", path="src/sub.py", new="def sub(a, b):\n    return a - b\n"),
    Step("edit_fail", "no such file: src/missing.py", path="src/missing.py", old="x", new="y"),
    Step("say", "Created src/sub.py. Next step: add tests/test_sub.py."),
)


def wrapped(text: str, number: int = 0) -> str:
    """A prompt as the model gets it, typed `number` minutes after the start."""
    at = START + timedelta(minutes=number)
    day = f"{at:%A}, {at:%B} {at.day}, {at.year}, {at:%I:%M %p}".replace(", 0", ", ")
    return f"<timestamp>{day} (UTC+0)</timestamp>\n<user_query>\n{text}\n</user_query>"


def call(step: Step, project: str = PROJECT) -> tuple[str, Json, str]:
    """Name, arguments and result of a step that is a tool call."""
    if step.kind == "shell":
        result = f"Exit code: {step.exit_code}\n\nCommand output:\n{step.text}"
        return "Shell", {"command": step.command, "description": "Run the tests"}, result
    path = f"{project}/{step.path}"
    if step.kind == "create":
        return "Write", {"path": path, "contents": step.new}, f"Wrote contents to {path}"
    result = f"Error: {step.text}" if step.kind == "edit_fail" else f"The file {path} has been updated."
    return "StrReplace", {"path": path, "old_string": step.old, "new_string": step.new}, result


def message(role: str, *blocks: Json, **more: Any) -> Json:
    return {"role": role, "content": list(blocks), **more}


def said(text: str) -> Json:
    return {"type": "text", "text": text}


def messages(steps: Sequence[Step], project: str = PROJECT) -> list[Json]:
    """The messages of a `store.db`."""
    info = f"<user_info>\nOS: linux\n\nWorkspace Path: {project}\n</user_info>"
    out: list[Json] = [{"role": "system", "content": "You are an agent."}, {"role": "user", "content": info}]
    for number, step in enumerate(steps):
        if step.kind == "user":
            out.append(message("user", said(wrapped(step.text, number))))
        elif step.kind == "say":
            out.append(message("assistant", said(step.text), id=str(number)))
        else:
            name, args, result = call(step, project)
            ident = {"toolCallId": f"tool_{step.kind}_{number}", "toolName": name}
            out.append(message("assistant", {"type": "tool-call", **ident, "args": args}, id=str(number)))
            out.append(message("tool", {"type": "tool-result", **ident, "result": result}, id=ident["toolCallId"]))
    return out


def lines(steps: Sequence[Step], project: str = PROJECT) -> list[Json]:
    """The lines of an agent-transcript."""
    out: list[Json] = []
    for number, step in enumerate(steps):
        if step.kind in ("user", "say"):
            role, text = ("user", wrapped(step.text, number)) if step.kind == "user" else ("assistant", step.text)
            out.append({"role": role, "message": {"content": [said(text)]}})
        else:
            name, args, _ = call(step, project)
            used = {"type": "tool_use", "name": name, "input": args}
            out.append({"role": "assistant", "message": {"content": [used]}})
    return [*out, {"type": "turn_ended", "status": "success"}]


def jsonl(records: Sequence[Json]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def field(number: int, payload: bytes) -> bytes:
    """A short field of a protocol buffer that holds bytes."""
    return bytes((number << 3 | 2, len(payload))) + payload


class ChatStore:
    """A `store.db` and the `meta.json` beside it. Each `save` writes a new root, as the client does."""

    def __init__(self, folder: Path, *, project: str = PROJECT, beside: bool = True, **meta: Any) -> None:
        self.path = folder / "store.db"
        self.project = project
        self.meta = {"agentId": ID, "name": "New Agent", "mode": "default", "createdAt": START_MS, **meta}
        self.meta["blobEncryptionKey"] = "SECRET-MUST-NOT-BE-COPIED"
        folder.mkdir(parents=True, exist_ok=True)
        if beside:
            self.beside(title="Fix add()", cwd=project)
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("CREATE TABLE IF NOT EXISTS blobs (id TEXT PRIMARY KEY, data BLOB)")
        self.db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT)")
        self.close = self.db.close

    def beside(self, **facts: Any) -> None:
        """Write `meta.json`."""
        known = {"schemaVersion": 1, "createdAtMs": START_MS, "updatedAtMs": START_MS + 600_000, **facts}
        self.path.with_name("meta.json").write_text(json.dumps(known))

    def blob(self, data: bytes) -> bytes:
        """Store a blob; gives its id."""
        ident = hashlib.sha256(data)
        self.db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (ident.hexdigest(), data))
        return ident.digest()

    def save(self, conversation: Sequence[Json]) -> None:
        """The conversation is now this."""
        self.db.execute("BEGIN")
        self.save_ids([self.blob(json.dumps(one, ensure_ascii=False).encode()) for one in conversation])
        self.db.execute("COMMIT")

    def save_ids(self, ids: Sequence[bytes]) -> None:
        root = b"".join(field(1, ident) for ident in ids) + field(9, f"file://{quote(self.project)}".encode())
        self.meta |= {"latestRootBlobId": self.blob(root).hex()}
        value = json.dumps(self.meta).encode().hex()
        self.db.execute("INSERT OR REPLACE INTO meta VALUES ('0', ?)", (value,))
