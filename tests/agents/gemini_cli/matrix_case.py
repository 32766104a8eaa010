"""Gemini CLI in the matrix of hand-overs: chats, hooks and instruction files as 0.61.0 has them."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from matrix.tool import Ending, LinesPlayed, Tool, diff_of, injected, instructions, started

OUTPUT = "<untrusted_context>\nOutput: {output}{exit_code}\nProcess Group PGID: 100\n</untrusted_context>"
LIMIT = "[API Error: You have exhausted your daily quota on this model.]\nPlease wait and try again later."
THANKS = "Got it. Thanks for the additional context!"
FILE_NAMES = ("GEMINI.md", "AGENTS.md")
"""As a user of several agents sets them in `context.fileName`; without that setting only the first one is read."""


class GeminiPlayed(LinesPlayed):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        session = str(uuid.uuid4())
        self._place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
        own = home / ".gemini" / "tmp" / f"{folder.resolve().name}-{self._place[:6]}"
        super().__init__(own / "chats" / f"session-{now:%Y-%m-%dT%H-%M}-{session[:8]}.jsonl", session, folder, now)
        (own / ".project_root").write_text(str(self.folder))
        self._asked: list[dict[str, Any]] = []

    def prompt(self, text: str) -> None:
        if not self.path.exists():
            self._begin()
        self._asked.append(self._message("user", [{"text": text}]))
        self._add(self._asked[-1])

    def say(self, text: str) -> None:
        self._add(self._message("gemini", text, model="gemini-3.8-flash", thoughts=[]))

    def edit(self, path: Path, old: str, new: str) -> None:
        diff = diff_of(path, old, new, "Current", "Proposed")
        shown = {"fileDiff": diff, "fileName": path.name, "filePath": str(path), "isNewFile": False}
        args = {"file_path": str(path), "instruction": "edit", "old_string": old, "new_string": new}
        self._call("replace", args, f"Successfully modified file: {path} (1 replacements).", shown)

    def run(self, command: str, output: str, exit_code: int) -> None:
        ended = f"\nExit Code: {exit_code}" if exit_code else ""
        reported = OUTPUT.format(output=output.rstrip("\n"), exit_code=ended)
        self._call("run_shell_command", {"command": command}, reported, output)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self._add(self._message("error", LIMIT))
        elif how == "compacted":
            self.compaction("The discount of the shop was worked on.")

    def compaction(self, text: str) -> None:
        """The client sums up what was said, and keeps the last prompt."""
        messages = [self._message(kind, [{"text": said}]) for kind, said in (("user", text), ("gemini", THANKS))]
        self._write({"$set": {"messages": [*messages, *self._asked[-1:]], "lastUpdated": self._time()}})
        self._add(self._message("info", ""))

    def _begin(self) -> None:
        """The header, and what the client tells the model of the folder."""
        at = self._time()
        self._write(
            {"sessionId": self.session, "projectHash": self._place, "startTime": at, "lastUpdated": at, "kind": "main"}
        )
        listed = f"- **Workspace Directories:**\n  - {self.folder}\n- **Directory Structure:**\n\n{self.folder}/\n"
        context = f"<session_context>\nThis is the Gemini CLI.\n{listed}</session_context>"
        self._write({"$set": {"messages": [self._message("user", [{"text": context}])], "lastUpdated": at}})

    def _call(self, name: str, args: dict[str, Any], output: str, shown: Any) -> None:
        ident = f"{name}__{self._next_call()}"
        message = self._message("gemini", "", model="gemini-3.8-flash", thoughts=[])
        self._add(message)
        response = [{"functionResponse": {"id": ident, "name": name, "response": {"output": output}}}]
        call = {"id": ident, "name": name, "args": args, "result": response, "status": "success"}
        self._write({**message, "toolCalls": [{**call, "timestamp": self._time(), "resultDisplay": shown}]})
        self._add(self._message("user", response))

    def _add(self, message: dict[str, Any]) -> None:
        self._write(message)
        self._write({"$set": {"lastUpdated": message["timestamp"]}})

    def _message(self, kind: str, content: Any, **fields: Any) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "timestamp": self._time(), "type": kind, "content": content, **fields}


def _takes_in(answer: str) -> str:
    return f"<hook_context>{injected(answer)}</hook_context>"


def _reads(root: Path, folder: Path) -> str:
    return instructions(root, folder, *FILE_NAMES)


TOOLS = (
    Tool(
        id="gemini-cli",
        agent="gemini-cli",
        play=GeminiPlayed,
        starts=started(GeminiPlayed),
        takes_in=_takes_in,
        reads=_reads,
    ),
)
