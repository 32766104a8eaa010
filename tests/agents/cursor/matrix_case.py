"""Cursor in the matrix of hand-overs: the editor's database, hooks and instruction files, all as they are reported."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from agents.cursor.stores import COMPACTED, Bubble, Chat, EditorStore, edit, failed, say, shell, tool, uid, user
from matrix.tool import Call, Ending, Played, Tool, agents_md
from support.platforms import settings_folder

LIMIT = "You've hit your usage limit. Switch to another model, or wait until 1/3/2027."


class EditorPlayed:
    """See `matrix.tool.Played`. The editor rewrites a conversation's rows with each change."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._user = settings_folder(home) / "Cursor" / "User"
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


TOOLS = (Tool(id="cursor", agent="cursor", play=EditorPlayed, starts=_starts, takes_in=_takes_in, reads=agents_md),)
