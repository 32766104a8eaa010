"""Copilot in the matrix of hand-overs: logs, hooks and instruction files as 1.0.102 has them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from agents.copilot.session import CopilotSession
from matrix.tool import Call, Ending, Played, Tool

LIMIT = "Failed to get response from the AI model; retried 5 times. Last error: 429 You have exceeded your quota."


class CopilotPlayed(CopilotSession):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        super().__init__(home / ".copilot", folder, now=now)
        self._calls = 0

    def edit(self, path: Path, old: str, new: str) -> None:
        self.edited(self._next_call(), path, old, new)

    def run(self, command: str, output: str, exit_code: int) -> None:
        call = self._next_call()
        self.call(call, "bash", command=command, description="run")
        self.ran(call, output, exit_code)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self.limit(LIMIT)
        elif how == "killed":
            self.call(self._next_call(), "bash", command="sleep 600", description="wait")
        elif how == "compacted":
            self.compacted("The discount of the shop was worked on.")
        else:
            self.record("session.shutdown", shutdownType="routine")

    def _next_call(self) -> str:
        self._calls += 1
        return f"call_{self.session}_{self._calls}"


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    if isinstance(going_on, CopilotPlayed):
        return Call("sessionStart", going_on.payload(source="resume", initialPrompt="continue"))
    fresh = CopilotSession(home / ".copilot", folder)
    return Call("sessionStart", fresh.payload(source="new", initialPrompt="continue"))


def _takes_in(answer: str) -> str:
    said = json.loads(answer)
    assert said["hookSpecificOutput"] == {
        "hookEventName": "SessionStart",
        "additionalContext": said["additionalContext"],
    }
    return str(said["additionalContext"])


def _reads(root: Path, folder: Path) -> str:
    """AGENTS.md and CLAUDE.md of the repository's top and of the working folder; equal ones once."""
    files = [place / name for place in dict.fromkeys((root, folder)) for name in ("AGENTS.md", "CLAUDE.md")]
    return "\n".join(dict.fromkeys(path.read_text() for path in files if path.exists()))


TOOLS = (Tool(id="copilot", agent="copilot", play=CopilotPlayed, starts=_starts, takes_in=_takes_in, reads=_reads),)
