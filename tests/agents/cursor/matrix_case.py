"""Cursor in the matrix of hand-overs: the editor's database, the terminal client's chats, hooks and instruction files,
all as they are reported."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from agents.cursor.chats import ChatStore, message, said
from agents.cursor.stores import COMPACTED, Bubble, Chat, EditorStore, edit, failed, say, shell, tool, uid, user
from matrix.tool import Call, Ending, Played, Tool

LIMIT = "You've hit your usage limit. Switch to another model, or wait until 1/3/2027."


class EditorPlayed:
    """See `matrix.tool.Played`. The editor rewrites a conversation's rows with each change."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._user = home / ".config" / "Cursor" / "User"
        start_ms = int(now.timestamp() * 1000)
        self._chat = Chat(name=uid(folder, start_ms), bubbles=(), folder=str(folder), start_ms=start_ms)

    @property
    def session(self) -> str:
        return self._chat.id

    def prompt(self, text: str) -> None:
        self._put(user(text), status="generating")

    def edit(self, path: Path, old: str, new: str) -> None:
        self._put(edit(str(path)))

    def run(self, command: str, output: str, exit_code: int) -> None:
        self._put(shell(command, output, exit_code))

    def say(self, text: str) -> None:
        self._put(say(text), status="completed")

    def end(self, how: Ending) -> None:
        if how == "limit":
            self._put(failed(LIMIT), status="error")
        elif how == "killed":
            self._put(tool("run_terminal_command_v2", {"command": "sleep 600"}, status="loading"))
        elif how == "compacted":
            summary = {"latestConversationSummary": {"summary": {"summary": "The discount was worked on."}}}
            self._chat = replace(self._chat, more=summary)
            self._put(COMPACTED)

    def _put(self, bubble: Bubble, *, status: str | None = None) -> None:
        self._chat = self._chat.with_bubbles(bubble, status=status or self._chat.status)
        with closing(EditorStore(self._user)) as store:
            store.put(self._chat)


class ChatPlayed:
    """The same in the terminal client's store, where nothing is written of a limit, an end or a compaction."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._cwd = str(folder)
        self._now = now
        self.session = uid(folder, now)
        self._at = home / ".cursor" / "chats" / hashlib.md5(self._cwd.encode()).hexdigest() / self.session
        self._messages: list[dict[str, Any]] = []

    def prompt(self, text: str) -> None:
        hour = self._now.strftime("%I:%M %p").lstrip("0")
        at = f"{self._now:%A}, {self._now:%B} {self._now.day}, {self._now.year}, {hour} (UTC+0)"
        self._put(message("user", said(f"<timestamp>{at}</timestamp>\n<user_query>\n{text}\n</user_query>")))

    def edit(self, path: Path, old: str, new: str) -> None:
        given = {"path": str(path), "old_string": old, "new_string": new}
        self._call("StrReplace", given, f"The file {path} has been updated.")

    def run(self, command: str, output: str, exit_code: int) -> None:
        self._call("Shell", {"command": command}, f"Exit code: {exit_code}\n\nCommand output:\n{output}")

    def say(self, text: str) -> None:
        self._put(message("assistant", said(text), id=self._next()))

    def end(self, how: Ending) -> None:
        if how == "killed":
            self._call("Shell", {"command": "sleep 600"}, None)

    def _call(self, name: str, given: dict[str, Any], result: str | None) -> None:
        ident = {"toolCallId": f"tool_{self._next()}", "toolName": name}
        self._put(message("assistant", {"type": "tool-call", **ident, "args": given}, id=self._next()))
        if result is not None:
            self._put(message("tool", {"type": "tool-result", **ident, "result": result}, id=self._next()))

    def _next(self) -> str:
        return str(len(self._messages))

    def _put(self, one: dict[str, Any]) -> None:
        self._messages.append(one)
        start_ms = int(self._now.timestamp() * 1000)
        store = ChatStore(self._at, project=self._cwd, beside=False, agentId=self.session, createdAt=start_ms)
        with closing(store):
            last_ms = start_ms + 1000 * len(self._messages)
            store.beside(createdAtMs=start_ms, updatedAtMs=last_ms, title="A chat", cwd=self._cwd)
            store.save(self._messages)


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    told = {
        "conversation_id": going_on.session if going_on is not None else uid(folder, "new"),
        "generation_id": uid(folder, "generation"),
        "model": "test-model",
        "hook_event_name": "sessionStart",
        "cursor_version": "3.12.17",
        "workspace_roots": [str(folder)],
        "user_email": "dev@example.com",
        "transcript_path": None,
        "is_background_agent": False,
        "composer_mode": "agent",
    }
    return Call("sessionStart", json.dumps({**told, "session_id": told["conversation_id"]}).encode())


def _takes_in(answer: str) -> str:
    return str(json.loads(answer)["additional_context"])


def _reads(root: Path, folder: Path) -> str:
    """AGENTS.md at the top of the project."""
    path = root / "AGENTS.md"
    return path.read_text() if path.exists() else ""


TOOLS = (
    Tool(id="cursor", agent="cursor", play=EditorPlayed, starts=_starts, takes_in=_takes_in, reads=_reads),
    Tool(
        id="cursor-agent",
        agent="cursor",
        play=ChatPlayed,
        starts=_starts,
        takes_in=_takes_in,
        reads=_reads,
        timed=False,
    ),
)
