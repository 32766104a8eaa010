"""Claude Code in the matrix of hand-overs: transcripts, hooks and instruction files as 2.1.328 has them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from matrix.tool import Call, Ending, Played, Tool
from support.claude_session import ClaudeSession
from support.hook_client import payload_of

RESETS = "5pm (Europe/Berlin)"
LIMIT = f"You've hit your session limit · resets {RESETS}"


class ClaudePlayed(ClaudeSession):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        super().__init__(home / ".claude" / "projects", folder, now=now)

    def edit(self, path: Path, old: str, new: str) -> None:
        given = {"file_path": str(path), "old_string": old, "new_string": new}
        removed = [f"-    {old}"]
        added = [f"+{line}" for line in f"    {new}".split("\n")]
        lengths = {"oldLines": len(removed), "newLines": len(added)}
        hunk = {"oldStart": 2, "newStart": 2, **lengths, "lines": [*removed, *added]}
        changed = {"filePath": str(path), "oldString": old, "newString": new}
        result = {**changed, "structuredPatch": [hunk], "userModified": False}
        self.ends(self.opens("Edit", given), "The file has been updated.", result)

    def say(self, text: str) -> None:
        self.answer(text)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self.limit(RESETS)
        elif how == "killed":
            self.opens("Bash", {"command": "sleep 600", "description": "run"})
        elif how == "compacted":
            self.compaction("This session is being continued. Summary: the discount of the shop was worked on.")


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    if isinstance(going_on, ClaudePlayed):
        reported = payload_of(going_on, "SessionStart", source="resume", seconds_since_last_response=200)
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
