"""Claude Code in the matrix of hand-overs: transcripts, hooks and instruction files as 2.1.328 has them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from matrix.tool import Call, Ending, Played, Tool
from support.claude_session import ClaudeSession
from support.hook_client import payload_of

LIMIT = "You've hit your session limit · resets 5pm (Europe/Berlin)"


class ClaudePlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._to = ClaudeSession(home / ".claude" / "projects", folder, now=now)
        self._calls = 0

    @property
    def session(self) -> str:
        return self._to.session

    @property
    def transcript(self) -> ClaudeSession:
        return self._to

    def prompt(self, text: str) -> None:
        self._to.prompt(text)

    def edit(self, path: Path, old: str, new: str) -> None:
        given = {"file_path": str(path), "old_string": old, "new_string": new}
        removed = [f"-    {old}"]
        added = [f"+{line}" for line in f"    {new}".split("\n")]
        lengths = {"oldLines": len(removed), "newLines": len(added)}
        hunk = {"oldStart": 2, "newStart": 2, **lengths, "lines": [*removed, *added]}
        changed = {"filePath": str(path), "oldString": old, "newString": new}
        result = {**changed, "structuredPatch": [hunk], "userModified": False}
        self._call("Edit", given, "The file has been updated.", result, failed=False)

    def run(self, command: str, output: str, exit_code: int) -> None:
        content = f"Exit code {exit_code}\n{output}" if exit_code else output
        result: Any = f"Error: {content}" if exit_code else {"stdout": output, "stderr": "", "interrupted": False}
        self._call("Bash", {"command": command, "description": "Run it"}, content, result, failed=exit_code != 0)

    def say(self, text: str) -> None:
        self._to.answer(text)

    def end(self, how: Ending) -> None:
        if how == "limit":
            message = {"role": "assistant", "model": "<synthetic>", "content": [{"type": "text", "text": LIMIT}]}
            flags = {"isApiErrorMessage": True, "error": "rate_limit", "apiErrorStatus": 429}
            self._append(type="assistant", message=message, **flags)
        elif how == "killed":
            self._to.append(self._to.call_line("toolu_last", "sleep 600"))
        elif how == "compacted":
            metadata = {"trigger": "auto", "preTokens": 160_000}
            boundary = {"subtype": "compact_boundary", "content": "Conversation compacted"}
            self._append(type="system", compactMetadata=metadata, isMeta=False, **boundary)
            summary = "This session is being continued. Summary: the discount of the shop was worked on."
            self._append(type="user", message={"role": "user", "content": summary}, isCompactSummary=True)

    def _call(self, name: str, given: dict[str, Any], content: str, result: Any, *, failed: bool) -> None:
        self._calls += 1
        ident = f"toolu_{self._calls}"
        call = {"type": "tool_use", "id": ident, "name": name, "input": given}
        message = {"role": "assistant", "model": "claude-opus-5-5", "content": [call], "stop_reason": "tool_use"}
        self._append(type="assistant", message=message)
        block = {"tool_use_id": ident, "type": "tool_result", "content": content, "is_error": failed}
        self._append(type="user", message={"role": "user", "content": [block]}, toolUseResult=result)

    def _append(self, **fields: Any) -> None:
        self._to.append(self._to.line(**fields))


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    if isinstance(going_on, ClaudePlayed):
        reported = payload_of(going_on.transcript, "SessionStart", source="resume", seconds_since_last_response=200)
    else:
        new = ClaudeSession(home / ".claude" / "projects", folder)
        reported = payload_of(new, "SessionStart", source="startup")
    return Call("SessionStart", json.dumps(reported).encode())


def _reads(root: Path, folder: Path) -> str:
    """CLAUDE.md of each folder from the top down, and AGENTS.md where there is none (2.1.281 and later)."""
    found = []
    for place in sorted({root, folder}):
        own = place / "CLAUDE.md"
        text = own.read_text() if own.exists() else ""
        agents = place / "AGENTS.md"
        if agents.exists() and (not text.strip() or "@AGENTS.md" in text):
            text += agents.read_text()
        found.append(text)
    return "\n".join(found)


TOOLS = (Tool(id="claude-code", agent="claude-code", play=ClaudePlayed, starts=_starts, reads=_reads),)
