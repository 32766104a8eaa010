"""Qwen Code in the matrix of hand-overs: transcripts, hooks and instruction files as 0.24.4 has them."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from matrix.tool import Ending, LinesPlayed, Tool, diff_of, injected, instructions, started

OUTPUT = "Command: {command}\nDirectory: (root)\nOutput: {output}\nError: (none)\nExit Code: {code}\nSignal: (none)"
LIMIT = "402 You have reached your usage limit"


class QwenPlayed(LinesPlayed):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        session = str(uuid.uuid4())
        slug = re.sub(r"[^0-9A-Za-z]", "-", str(folder.resolve()))
        super().__init__(home / ".qwen" / "projects" / slug / "chats" / f"{session}.jsonl", session, folder, now)
        self._last: str | None = None

    def prompt(self, text: str) -> None:
        self._add("user", provenance="real_user", message={"role": "user", "parts": [{"text": text}]})

    def say(self, text: str) -> None:
        self._answer({"text": text})

    def edit(self, path: Path, old: str, new: str) -> None:
        diff = diff_of(path, old, new, "Current", "Proposed")
        before = path.read_text() if path.exists() else old
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

    def _asks(self, name: str, args: dict[str, Any]) -> str:
        ident = self._next_call()
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
        self._write({**common, **place, **fields})
        self._last = ident


def _reads(root: Path, folder: Path) -> str:
    return instructions(root, folder, "QWEN.md", "AGENTS.md")


TOOLS = (
    Tool(
        id="qwen-code", agent="qwen-code", play=QwenPlayed, starts=started(QwenPlayed), takes_in=injected, reads=_reads
    ),
)
