"""Continue in the matrix of hand-overs: sessions and instruction files as 1.5.47 has them."""

from __future__ import annotations

import json
import os
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from matrix.tool import Ending, Tool, diff_of

MODEL = {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940, "model": "fake-model", "cost_cents": 0}
INSTRUCTIONS = ("AGENTS.md", "AGENT.md", "CLAUDE.md", "CODEX.md")


class ContinuePlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self.session = str(uuid.uuid4())
        self.folder = Path(folder.resolve())
        self._now = now
        self._calls = 0
        self._history: list[dict[str, Any]] = []
        self.path = home / ".continue" / "sessions" / f"{self.session}.json"
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def prompt(self, text: str) -> None:
        self._add({"role": "user", "content": text}, editorState=text)

    def say(self, text: str) -> None:
        self._add({"role": "assistant", "content": text, "usage": MODEL})

    def edit(self, path: Path, old: str, new: str) -> None:
        diff = diff_of(path, old, new, str(path), str(path))
        given = {"file_path": str(path), "old_string": old, "new_string": new}
        self._call("Edit", given, "done", f"Successfully edited {path}\nDiff:\nIndex: {path}\n{diff}\n")

    def run(self, command: str, output: str, exit_code: int) -> None:
        failed = f"Error executing tool Bash: Error (exit code {exit_code}): {output}"
        self._call("Bash", {"command": command}, "errored" if exit_code else "done", failed if exit_code else output)

    def end(self, how: Ending) -> None:
        if how == "killed":
            self._call("Bash", {"command": "sleep 600"}, "calling", "")
        elif how == "compacted":
            summary = "The discount of the shop was worked on."
            self._history.clear()
            self._add({"role": "assistant", "content": summary}, conversationSummary=summary)

    def _call(self, name: str, given: dict[str, Any], status: str, output: str) -> None:
        self._calls += 1
        ident = f"call_{self.session}_{self._calls}"
        function = {"name": name, "arguments": json.dumps(given)}
        call = {"id": ident, "type": "function", "function": function}
        printed = [{"content": output, "name": "Tool Result", "description": "Tool execution result"}]
        state: dict[str, Any] = {"toolCallId": ident, "toolCall": call, "status": status, "parsedArgs": given}
        state |= {"output": printed} if output else {}
        self._add({"role": "assistant", "content": "", "toolCalls": [call], "usage": MODEL}, toolCallStates=[state])

    def _add(self, message: dict[str, Any], **fields: Any) -> None:
        self._history.append({"message": message, "contextItems": [], **fields})
        self._now += timedelta(seconds=1)
        self.save()

    def save(self) -> None:
        """Write the session, all of it each time."""
        held = {
            "sessionId": self.session,
            "title": "Untitled Session",
            "workspaceDirectory": str(self.folder),
            "history": self._history,
        }
        self.path.write_text(json.dumps(held, indent=2, ensure_ascii=False))
        at_s = self._now.timestamp()
        os.utime(self.path, (at_s, at_s))


def _reads(root: Path, folder: Path) -> str:
    """The first instruction file of the start folder, and the rules there."""
    first = next((folder / name for name in INSTRUCTIONS if (folder / name).exists()), None)
    rules = sorted((folder / ".continue" / "rules").glob("**/*.md"))
    return "\n".join(path.read_text() for path in [*([first] if first else []), *rules])


TOOLS = (Tool(id="continue-dev", agent="continue-dev", play=ContinuePlayed, reads=_reads, deletes=True),)
