"""Synthetic databases of the editor, in every form known (FACTS.md): their rows have the shape of real ones.

Texts that begin with GHOST are in rows that no conversation lists any more.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

PROJECT: Final = "/home/dev/demo"
START_MS: Final = 1_772_442_000_000  # 2026-03-02T09:00:00Z
STEP_MS: Final = 20_000

Era = Literal["table", "list", "keys"]
"""Where the list of conversations is: 2026, early 2026, nowhere that is read (2025)."""

KV: Final = "CREATE TABLE IF NOT EXISTS {} (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)"
HEADS: Final = (
    "CREATE TABLE IF NOT EXISTS composerHeaders (composerId TEXT PRIMARY KEY, workspaceId TEXT, createdAt INTEGER, "
    "lastUpdatedAt INTEGER, isArchived INTEGER, isSubagent INTEGER, recency INTEGER, checkpointAt INTEGER, value TEXT)"
)
Bubble = dict[str, Any]


def uid(*parts: object) -> str:
    """An id that is the same in each run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))


def iso(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def user(text: str) -> Bubble:
    return {"type": 1, "text": text}


def say(text: str) -> Bubble:
    return {"type": 2, "text": text}


def thinking(text: str) -> Bubble:
    return {"type": 2, "text": "", "capabilityType": 30, "thinking": {"text": text, "signature": "s"}}


def failed(message: str, **details: Any) -> Bubble:
    return {"type": 2, "text": "", "errorDetails": {"message": message, **details}}


COMPACTED: Final[Bubble] = {"type": 2, "text": "", "capabilityType": 22}


def tool(name: str, args: dict[str, Any], result: Any = None, *, status: str = "completed", error: str = "") -> Bubble:
    """A tool call as its bubble holds it: arguments and result are JSON inside strings."""
    given = json.dumps(args)
    data: dict[str, Any] = {"toolCallId": f"tool_{uid(name, given)[:8]}", "name": name, "status": status}
    data |= {"tool": 15, "rawArgs": given, "params": given, "additionalData": {}}
    if result is not None:
        data["result"] = json.dumps(result)
    if error:
        data["error"] = json.dumps({"clientVisibleErrorMessage": error})
    return {"type": 2, "text": "", "capabilityType": 15, "toolFormerData": data}


def shell(command: str, output: str = "", exit_code: int | None = 0, *, status: str = "completed") -> Bubble:
    result = {"output": output} | ({"exitCode": exit_code} if exit_code is not None else {})
    return tool("run_terminal_command_v2", {"command": command, "cwd": ""}, result, status=status)


def edit(path: str, *, new: bool = False, status: str = "completed", error: str = "") -> Bubble:
    ids = {"afterContentId": "composer.content.b"} | ({} if new else {"beforeContentId": "composer.content.a"})
    done = ids if status == "completed" else None
    return tool("edit_file_v2", {"relativeWorkspacePath": path}, done, status=status, error=error)


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation. `more` are further fields of its row; `ids` name the bubbles where they are not made up."""

    name: str
    bubbles: Sequence[Bubble]
    status: str = "completed"
    start_ms: int = START_MS
    generating: Sequence[int] = ()
    ghosts: Sequence[Bubble] = ()
    folder: str | None = PROJECT
    ids: Sequence[str] = ()
    more: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return uid("chat", self.name)

    @property
    def updated_ms(self) -> int:
        return self.start_ms + STEP_MS * len(self.bubbles)

    def bubble_id(self, number: int) -> str:
        return self.ids[number] if self.ids else uid("bubble", self.name, number)

    def with_bubbles(self, *bubbles: Bubble, **changes: Any) -> Chat:
        return replace(self, bubbles=(*self.bubbles, *bubbles), **changes)


def workspace_hash(folder: str) -> str:
    return hashlib.md5(folder.encode()).hexdigest()


def identifier(folder: str) -> dict[str, Any]:
    """A conversation's window, which has one folder."""
    uri = f"file://{quote(folder)}"
    place = {"$mid": 1, "fsPath": folder, "external": uri, "path": folder, "scheme": "file"}
    return {"id": workspace_hash(folder), "uri": place}


class EditorStore:
    """The databases below the editor's user folder `user`. Each `put` is one transaction, as the editor makes it."""

    def __init__(self, user: Path, era: Era = "table") -> None:
        self.user = user
        self.era = era
        self.path = user / "globalStorage" / "state.vscdb"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.storage.mkdir(exist_ok=True)
        self.db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")
        for table in ("ItemTable", "cursorDiskKV"):
            self.db.execute(KV.format(table))
        if era == "table":
            self.db.execute(HEADS)
        self.close = self.db.close

    @property
    def storage(self) -> Path:
        return self.user / "workspaceStorage"

    def put(self, *chats: Chat, whole: bool = True) -> None:
        """Write conversations: unless `whole`, only the rows of bubbles that changed. Which is done, nobody knows."""
        self.db.execute("BEGIN IMMEDIATE")
        for chat in chats:
            for ident, bubble in _rows(chat):
                key = f"bubbleId:{chat.id}:{ident}"
                former = self.db.execute("SELECT value FROM cursorDiskKV WHERE key = ?", (key,)).fetchone()
                if whole or former != (json.dumps(bubble).encode(),):
                    self.value(key, bubble)
            self.value(f"composerData:{chat.id}", composer(chat, in_row=self.era in ("table", "list")))
            self._list(chat)
        self.db.execute("COMMIT")

    def value(self, key: str, value: object, *, table: str = "cursorDiskKV") -> None:
        """A row that is there keeps its number (August 2025 and later)."""
        data = value if isinstance(value, bytes | str | None) else json.dumps(value).encode()
        upsert = (
            f"INSERT INTO {table} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        )
        self.db.execute(upsert, (key, data))

    def fill(self, rows: int, size: int = 4000) -> None:
        """Rows that are none of ours to read."""
        self.db.execute("BEGIN IMMEDIATE")
        for number in range(rows):
            self.value(f"agentKv:blob:{uid('kv', number)}", b"y" * size)
            self.value(f"checkpointId:{uid('point', number)}", b"x" * size)
        self.db.execute("COMMIT")

    def _list(self, chat: Chat) -> None:
        entry = head(chat)
        if self.era == "table":
            row = (chat.id, "w", chat.start_ms, entry["lastUpdatedAt"], 0, "subagentInfo" in entry, 0, None)
            self.db.execute(
                "INSERT OR REPLACE INTO composerHeaders VALUES (?,?,?,?,?,?,?,?,?)", (*row, json.dumps(entry))
            )
        elif self.era == "list":
            self._list_item(self.db, "composer.composerHeaders", entry)

    def workspace(self, folder: str, /, **content: str) -> Path:
        """The storage of the window for `folder`."""
        path = self.storage / workspace_hash(folder)
        path.mkdir(exist_ok=True)
        (path / "workspace.json").write_text(json.dumps(content or {"folder": f"file://{quote(folder)}"}))
        return path

    @staticmethod
    def _list_item(db: sqlite3.Connection, key: str, entry: dict[str, Any]) -> None:
        row = db.execute("SELECT value FROM ItemTable WHERE key = ?", (key,)).fetchone()
        known = json.loads(row[0])["allComposers"] if row else []
        others = [other for other in known if other["composerId"] != entry["composerId"]]
        value = json.dumps({"allComposers": [entry, *others]})
        db.execute("INSERT INTO ItemTable (key, value) VALUES (?, ?)", (key, value))


def composer(chat: Chat, *, in_row: bool = True) -> dict[str, Any]:
    """The conversation's own row; `in_row`: its window is named there."""
    headers = [
        {
            "bubbleId": ident,
            "type": bubble["type"],
            "grouping": {"isRenderable": True},
            "createdAt": bubble["createdAt"],
        }
        for ident, bubble in _rows(replace(chat, ghosts=()))
    ]
    generating = [chat.bubble_id(number) for number in chat.generating]
    common = {"composerId": chat.id, "name": chat.name, "createdAt": chat.start_ms, "lastUpdatedAt": chat.updated_ms}
    state = {"status": chat.status, "generatingBubbleIds": generating, "todos": [], "user_email": "dev@example.com"}
    model = {"_v": 16, "unifiedMode": "agent", "modelConfig": {"modelName": "test-model"}}
    return common | state | model | {"fullConversationHeadersOnly": headers} | _place(chat, there=in_row) | chat.more


def head(chat: Chat) -> dict[str, Any]:
    """The conversation's entry in a list."""
    common = {"composerId": chat.id, "name": chat.name, "createdAt": chat.start_ms, "lastUpdatedAt": chat.updated_ms}
    return {"type": "head", "unifiedMode": "agent", "isDraft": False} | common | _place(chat) | chat.head


def _place(chat: Chat, *, there: bool = True) -> dict[str, Any]:
    return {"workspaceIdentifier": identifier(chat.folder)} if there and chat.folder is not None else {}


def _rows(chat: Chat) -> list[tuple[str, Bubble]]:
    """The bubbles' rows, those that are no longer listed last."""
    listed = [(chat.bubble_id(number), bubble) for number, bubble in enumerate(chat.bubbles)]
    ghosts = [(uid("ghost", chat.name, number), bubble) for number, bubble in enumerate(chat.ghosts)]
    made = []
    for number, (ident, bubble) in enumerate([*listed, *ghosts]):
        own = {"_v": 3, "bubbleId": ident, "requestId": uid("request", chat.name)}
        made.append((ident, {**own, "createdAt": iso(chat.start_ms + STEP_MS * number), **bubble}))
    return made


FAILED_TEST: Final = "F\nFAIL: test_add (tests.test_calc.T.test_add)\nAssertionError: 2 != 3\n\nFAILED (failures=1)\n"
ONE: Final = Chat(
    name="Fix add()",
    bubbles=(
        user("The add function in src/calc.py is wrong. Fix it and run the tests."),
        thinking("hm"),
        say("I will change the operator in src/calc.py and run the tests."),
        edit("src/calc.py"),
        shell("python3 -m unittest tests.test_calc", FAILED_TEST, 1),
        say(
            "I changed subtraction to multiplication but test_add still fails (2 != 3). "
            "Should I switch it to plain addition, or is the test itself wrong?"
        ),
    ),
    ghosts=(user("GHOST: a prompt that was taken back"), say("GHOST: its answer")),
)
TWO: Final = Chat(
    name="Add sub()",
    bubbles=(
        user("Add a sub() function with a test in a new file."),
        edit("src/sub.py", new=True),
        edit("src/missing.py", status="error", error="no such file: src/missing.py"),
        say("Created src/sub.py. Next step: add tests/test_sub.py."),
    ),
    ghosts=(user("GHOST: another prompt"),),
    start_ms=START_MS + 3_600_000,
    more={"todos": [{"id": "1", "content": "Write src/sub.py", "status": "completed"}]},
)
