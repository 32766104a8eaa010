"""Gemini CLI in the matrix of hand-overs: chats, hooks and instruction files as 0.61.0 has them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from agents.gemini_cli.chat import GeminiSession
from matrix.tool import Call, Ending, Played, Tool

FILE_NAMES = ("GEMINI.md", "AGENTS.md")
"""As a user of several agents sets them in `context.fileName`; without that setting only the first one is read."""


class GeminiPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self.chat = GeminiSession(home, folder, now=now)
        self.chat.begin()

    @property
    def session(self) -> str:
        return self.chat.session

    def prompt(self, text: str) -> None:
        self.chat.prompt(text)

    def edit(self, path: Path, old: str, new: str) -> None:
        self.chat.edit(path, old, new)

    def run(self, command: str, output: str, exit_code: int) -> None:
        self.chat.command(command, output, exit_code)

    def say(self, text: str) -> None:
        self.chat.answer(text)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self.chat.limit()
        elif how == "compacted":
            self.chat.compression("The discount of the shop was worked on.")


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    if isinstance(going_on, GeminiPlayed):
        given = going_on.chat.payload("SessionStart", source="resume")
    else:
        given = GeminiSession(home, folder).payload("SessionStart", source="startup")
    return Call("SessionStart", json.dumps(given).encode())


def _takes_in(answer: str) -> str:
    said = json.loads(answer)["hookSpecificOutput"]
    assert said["hookEventName"] == "SessionStart"
    return f"<hook_context>{said['additionalContext']}</hook_context>"


def _reads(root: Path, folder: Path) -> str:
    """The instruction files of each folder from the top of the repository down to the working folder."""
    places = [root, *(place for place in reversed([folder, *folder.parents]) if root in place.parents)]
    return "\n".join(path.read_text() for place in places for name in FILE_NAMES if (path := place / name).exists())


TOOLS = (
    Tool(id="gemini-cli", agent="gemini-cli", play=GeminiPlayed, starts=_starts, takes_in=_takes_in, reads=_reads),
)
