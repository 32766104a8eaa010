"""Droid in the matrix of hand-overs: sessions, hooks and instruction files as 0.225.2 has them."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from matrix.tool import Ending, LinesPlayed, Tool, each_agents_md, injected, started


class DroidPlayed(LinesPlayed):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        session = str(uuid.uuid4())
        place = home / ".factory" / "sessions" / "-".join(("", *folder.resolve().parts[1:]))
        super().__init__(place / f"{session}.jsonl", session, folder, now)
        self._turn = ""
        self._write({"type": "session_start", "id": session, "title": "Work", "version": 2, "cwd": str(self.folder)})

    def prompt(self, text: str) -> None:
        self._turn = self._message("user", {"type": "text", "text": text})

    def say(self, text: str) -> None:
        self._message("assistant", {"type": "text", "text": text})
        self._outcome("completed")

    def edit(self, path: Path, old: str, new: str) -> None:
        given = {"file_path": str(path), "old_str": old, "new_str": new}
        self._call("Edit", given, f'{{"success":true,"file_path":"{path}","linesAdded":1,"linesRemoved":1}}')

    def run(self, command: str, output: str, exit_code: int) -> None:
        failed = f"Error: Command failed (exit code: {exit_code})\n" if exit_code else ""
        text = f"{failed}{output}\n\n[Process exited with code {exit_code}]"
        self._call("Execute", {"command": command}, text, failed=exit_code != 0)

    def end(self, how: Ending) -> None:
        if how == "limit":
            said = "BYOK Error: 402 You have reached your usage limit"
            self._message("user", {"type": "text", "text": said}, visibility="user_only")
            self._outcome("model_usage_exhausted")
        elif how == "killed":
            self._asks("Execute", {"command": "sleep 600"})
        elif how == "compacted":
            self._add("compaction_state", summaryText="The discount of the shop was worked on.")

    def _call(self, name: str, given: dict[str, Any], text: str, *, failed: bool = False) -> None:
        ident = self._asks(name, given)
        self._message("user", {"type": "tool_result", "tool_use_id": ident, "is_error": failed, "content": text})

    def _asks(self, name: str, given: dict[str, Any]) -> str:
        ident = self._next_call()
        self._message("assistant", {"type": "tool_use", "id": ident, "name": name, "input": given})
        return ident

    def _message(self, role: str, part: dict[str, Any], **fields: Any) -> str:
        return self._add("message", message={"role": role, "content": [part], "modelId": "fake-model", **fields})

    def _add(self, kind: str, **fields: Any) -> str:
        ident = str(uuid.uuid4())
        self._write({"type": kind, "id": ident, "timestamp": self._time(), **fields})
        return ident

    def _outcome(self, reason: str) -> None:
        self._write({"type": "agent_turn_outcome", "turnId": self._turn, "reason": reason, "resultKind": "text"})


TOOLS = (
    Tool(
        id="droid",
        agent="droid",
        play=DroidPlayed,
        starts=started(DroidPlayed),
        takes_in=injected,
        reads=each_agents_md,
    ),
)
