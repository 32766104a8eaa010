"""Qwen Code in the matrix of hand-overs: transcripts, hooks and instruction files as 0.24.4 has them."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from difflib import unified_diff
from pathlib import Path
from typing import Any

from matrix.tool import Call, Ending, Played, Tool, injected, instructions

OUTPUT = "Command: {command}\nDirectory: (root)\nOutput: {output}\nError: (none)\nExit Code: {code}\nSignal: (none)"
LIMIT = "402 You have reached your usage limit"


class QwenPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self.session = str(uuid.uuid4())
        self.folder = Path(folder.resolve())
        self._now = now
        self._last: str | None = None
        self._calls = 0
        slug = re.sub(r"[^0-9A-Za-z]", "-", str(self.folder))
        self.path = home / ".qwen" / "projects" / slug / "chats" / f"{self.session}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def prompt(self, text: str) -> None:
        self._add("user", provenance="real_user", message={"role": "user", "parts": [{"text": text}]})

    def say(self, text: str) -> None:
        self._answer({"text": text})

    def edit(self, path: Path, old: str, new: str) -> None:
        before = path.read_text() if path.exists() else old
        after = before.replace(old, new)
        diff = "\n".join(unified_diff(before.split("\n"), after.split("\n"), "Current", "Proposed", lineterm=""))
        shown = {"fileDiff": diff, "fileName": path.name, "filePath": str(path), "originalContent": before}
        given = {"file_path": str(path), "old_string": old, "new_string": new}
        self._call("edit", given, {"output": f"The file: {path} has been updated."}, "success", shown)

    def run(self, command: str, output: str, exit_code: int) -> None:
        text = OUTPUT.format(command=command, output=output.rstrip("\n"), code=exit_code)
        shown = {"type": "shell_result", "exitCode": exit_code, "output": output}
        status = "error" if exit_code else "success"
        self._call("run_shell_command", {"command": command}, {"error" if exit_code else "output": text}, status, shown)

    def end(self, how: Ending) -> None:
        if how == "limit":
            failed = {"event.name": "qwen-code.api_error", "error_message": LIMIT, "status_code": 402, "prompt_id": "p"}
            self._note("ui_telemetry", uiEvent=failed)
        elif how == "killed":
            self._asks("run_shell_command", {"command": "sleep 600"})
        elif how == "compacted":
            texts = {"user": "<state_snapshot>The discount of the shop was worked on.</state_snapshot>", "model": "OK."}
            history = [{"role": role, "parts": [{"text": text}]} for role, text in texts.items()]
            self._note("chat_compression", info={"triggerReason": "manual"}, compressedHistory=history)

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

    def _asks(self, name: str, args: dict[str, Any]) -> str:
        self._calls += 1
        ident = f"call_{self._calls:04d}_0"
        self._answer({"functionCall": {"id": ident, "name": name, "args": args}})
        return ident

    def _call(self, name: str, args: dict[str, Any], response: dict[str, str], status: str, shown: Any) -> None:
        ident = self._asks(name, args)
        part = {"functionResponse": {"id": ident, "name": name, "response": response}}
        result = {"callId": ident, "status": status, "resultDisplay": shown, "executionStatus": status}
        self._add("tool_result", message={"role": "user", "parts": [part]}, toolCallResult=result)

    def _answer(self, part: dict[str, Any]) -> None:
        message = {"role": "model", "parts": [part]}
        self._add("assistant", model="qwen3-coder-plus", message=message, usageMetadata={"totalTokenCount": 1})

    def _note(self, subtype: str, **payload: Any) -> None:
        self._add("system", provenance="system", subtype=subtype, systemPayload=payload)

    def _add(self, kind: str, **fields: Any) -> None:
        ident = str(uuid.uuid4())
        common = {"uuid": ident, "parentUuid": self._last, "sessionId": self.session, "timestamp": self._time()}
        place = {"type": kind, "cwd": str(self.folder), "version": "0.24.4", "gitBranch": "main"}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**common, **place, **fields}, ensure_ascii=False) + "\n")
        self._last = ident

    def _time(self) -> str:
        self._now += timedelta(seconds=1)
        return f"{self._now:%Y-%m-%dT%H:%M:%S}.{self._now.microsecond // 1000:03d}Z"


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    if isinstance(going_on, QwenPlayed):
        given = going_on.payload("SessionStart", source="resume")
    else:
        given = QwenPlayed(home, folder, datetime.now(UTC)).payload("SessionStart", source="startup")
    return Call("SessionStart", json.dumps(given).encode())


def _reads(root: Path, folder: Path) -> str:
    return instructions(root, folder, "QWEN.md", "AGENTS.md")


TOOLS = (Tool(id="qwen-code", agent="qwen-code", play=QwenPlayed, starts=_starts, takes_in=injected, reads=_reads),)
