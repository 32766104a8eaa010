"""Gemini CLI in the matrix of hand-overs: chats, hooks and instruction files as 0.61.0 has them."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from difflib import unified_diff
from pathlib import Path
from typing import Any

from matrix.tool import Call, Ending, Played, Tool, injected, instructions

OUTPUT = "<untrusted_context>\nOutput: {output}{exit_code}\nProcess Group PGID: 100\n</untrusted_context>"
LIMIT = "[API Error: You have exhausted your daily quota on this model.]\nPlease wait and try again later."
THANKS = "Got it. Thanks for the additional context!"
FILE_NAMES = ("GEMINI.md", "AGENTS.md")
"""As a user of several agents sets them in `context.fileName`; without that setting only the first one is read."""


class GeminiPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self.session = str(uuid.uuid4())
        self.folder = Path(folder.resolve())
        self._now = now
        self._calls = 0
        place = hashlib.sha256(str(self.folder).encode()).hexdigest()
        own = home / ".gemini" / "tmp" / f"{self.folder.name}-{place[:6]}"
        (own / "chats").mkdir(parents=True, exist_ok=True)
        (own / ".project_root").write_text(str(self.folder))
        self.path = own / "chats" / f"session-{self._now:%Y-%m-%dT%H-%M}-{self.session[:8]}.jsonl"
        self._place = place

    def prompt(self, text: str) -> None:
        if not self.path.exists():
            self._begin()
        self._add(self._message("user", [{"text": text}]))

    def say(self, text: str) -> None:
        self._add(self._message("gemini", text, model="gemini-3.8-flash", thoughts=[]))

    def edit(self, path: Path, old: str, new: str) -> None:
        before = path.read_text() if path.exists() else old
        after = before.replace(old, new)
        diff = "\n".join(unified_diff(before.split("\n"), after.split("\n"), "Current", "Proposed", lineterm=""))
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
            texts = {"user": "The discount of the shop was worked on.", "gemini": THANKS}
            messages = [self._message(kind, [{"text": text}]) for kind, text in texts.items()]
            self._append({"$set": {"messages": messages, "lastUpdated": self._time()}})
            self._add(self._message("info", ""))

    def payload(self, event: str, **fields: Any) -> dict[str, Any]:
        """What the client hands to the hook of that event."""
        return {
            "session_id": self.session,
            "transcript_path": str(self.path),
            "cwd": str(self.folder),
            "hook_event_name": event,
            "timestamp": self._time(),
            **fields,
        }

    def _begin(self) -> None:
        """The header, and what the client tells the model of the folder."""
        at = self._time()
        self._append(
            {"sessionId": self.session, "projectHash": self._place, "startTime": at, "lastUpdated": at, "kind": "main"}
        )
        listed = f"- **Workspace Directories:**\n  - {self.folder}\n- **Directory Structure:**\n\n{self.folder}/\n"
        context = f"<session_context>\nThis is the Gemini CLI.\n{listed}</session_context>"
        self._append({"$set": {"messages": [self._message("user", [{"text": context}])], "lastUpdated": at}})

    def _call(self, name: str, args: dict[str, Any], output: str, shown: Any) -> None:
        self._calls += 1
        ident = f"{name}__call{self._calls:04d}"
        message = self._message("gemini", "", model="gemini-3.8-flash", thoughts=[])
        self._add(message)
        response = [{"functionResponse": {"id": ident, "name": name, "response": {"output": output}}}]
        call = {"id": ident, "name": name, "args": args, "result": response, "status": "success"}
        self._append({**message, "toolCalls": [{**call, "timestamp": self._time(), "resultDisplay": shown}]})
        self._add(self._message("user", response))

    def _add(self, message: dict[str, Any]) -> None:
        self._append(message)
        self._append({"$set": {"lastUpdated": message["timestamp"]}})

    def _message(self, kind: str, content: Any, **fields: Any) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "timestamp": self._time(), "type": kind, "content": content, **fields}

    def _time(self) -> str:
        self._now += timedelta(seconds=1)
        return f"{self._now:%Y-%m-%dT%H:%M:%S}.{self._now.microsecond // 1000:03d}Z"

    def _append(self, record: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    if isinstance(going_on, GeminiPlayed):
        given = going_on.payload("SessionStart", source="resume")
    else:
        given = GeminiPlayed(home, folder, datetime.now(UTC)).payload("SessionStart", source="startup")
    return Call("SessionStart", json.dumps(given).encode())


def _takes_in(answer: str) -> str:
    return f"<hook_context>{injected(answer)}</hook_context>"


def _reads(root: Path, folder: Path) -> str:
    return instructions(root, folder, *FILE_NAMES)


TOOLS = (
    Tool(id="gemini-cli", agent="gemini-cli", play=GeminiPlayed, starts=_starts, takes_in=_takes_in, reads=_reads),
)
