"""Writes tasks as Roo Code does (3.52.1, from its public source): messages, what the model was sent, the item."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from matrix.tool import Ending
from support.platforms import settings_folder

LIMIT: Final = '429 {"message":"You have reached your usage limit"}'
STORAGE: Final = Path("Code/User/globalStorage/rooveterinaryinc.roo-cline")
OUTCOME: Final = "Command executed in terminal within working directory '{}'. Exit code: {}\nOutput:\n{}"


class RooPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime, *, parent: str = "") -> None:
        self._at_ms = int(now.timestamp() * 1000)
        self._folder = folder.resolve()
        self.root = settings_folder(home) / STORAGE / "tasks"
        number = len(list(self.root.glob("*"))) if self.root.exists() else 0
        self.session = f"01a1f792-0000-7000-8000-{self._at_ms % 10**9:09d}{number:03d}"
        self.path = self.root / self.session / "ui_messages.json"
        self.shown: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self._calls = 0
        self._parent = parent

    def prompt(self, text: str) -> None:
        if not self.sent:
            details = (
                f"<environment_details>\n# Current Workspace Directory ({self._folder}) Files\n</environment_details>"
            )
            parts = [f"<user_message>\n{text}\n</user_message>", details]
            self.send("user", *({"type": "text", "text": part} for part in parts))
        self.say_as("user_feedback" if self.shown else "text", text)
        self.say_as("api_req_started", '{"apiProtocol":"anthropic"}')

    def say(self, text: str) -> None:
        self.say_as("completion_result", text)

    def edit(self, path: Path, old: str, new: str) -> None:
        diff = f"<<<<<<< SEARCH\n:start_line:2\n-------\n{old}\n=======\n{new}\n>>>>>>> REPLACE"
        shown = {"tool": "appliedDiff", "path": os.path.relpath(path.resolve(), self._folder), "diff": diff}
        self.ask_for("tool", json.dumps(shown), "apply_diff", {"path": shown["path"], "diff": diff})
        self.result("<file_write_result>\n</file_write_result>")

    def run(self, command: str, output: str, exit_code: int) -> None:
        self.ask_for("command", command, "execute_command", {"command": command})
        self.result(OUTCOME.format(self._folder, exit_code, output))

    def end(self, how: Ending) -> None:
        if how == "limit":
            self.say_as("api_req_failed", LIMIT, type="ask")
        elif how == "killed":
            self.ask_for("command", "sleep 600", "execute_command", {"command": "sleep 600"})
        elif how == "compacted":
            about = {
                "cost": 0,
                "prevContextTokens": 9000,
                "newContextTokens": 900,
                "summary": "The discount was worked on.",
            }
            self.say_as("condense_context", "", contextCondense=about)

    def say_as(self, kind: str, text: str, *, type: str = "say", **fields: Any) -> None:
        self.shown.append({"ts": self._tick(), "type": type, type: kind, "text": text, **fields})
        self.save()

    def ask_for(self, kind: str, shown: str, tool: str, given: dict[str, Any]) -> None:
        """A call, which the user allowed."""
        self._calls += 1
        self.send("assistant", {"type": "tool_use", "id": f"toolu_{self._calls}", "name": tool, "input": given})
        self.say_as(kind, shown, type="ask")

    def result(self, text: str) -> None:
        self.send("user", {"type": "tool_result", "tool_use_id": f"toolu_{self._calls}", "content": text})
        self.say_as("api_req_started", '{"apiProtocol":"anthropic"}')

    def deny(self, words: str) -> None:
        """The user refuses the call and types `words`."""
        self.say_as("user_feedback", words)
        self.result(json.dumps({"status": "denied", "feedback": words}))

    def send(self, role: str, *parts: dict[str, Any]) -> None:
        self.sent.append({"role": role, "content": list(parts), "ts": self._tick()})

    def save(self) -> None:
        """Write the task, all of it each time."""
        first = next((message["text"] for message in self.shown), "")
        item = {"id": self.session, "number": 1, "ts": self._at_ms, "task": first, "workspace": str(self._folder)}
        if self._parent:
            item |= {"rootTaskId": self._parent, "parentTaskId": self._parent}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.with_name("api_conversation_history.json").write_text(json.dumps(self.sent))
        self.path.write_text(json.dumps(self.shown))
        self.path.with_name("history_item.json").write_text(json.dumps(item))

    def _tick(self) -> int:
        self._at_ms += 1000
        return self._at_ms
