"""gptme in the matrix of hand-overs: conversations and instruction files as 0.35.1 has them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from matrix.tool import Ending, LinesPlayed, Tool, each_agents_md

LIMIT = "error: generic\nError code: 402 - {'error': {'message': 'You exceeded your current quota'}}"
COMPACTED = {"compaction_artifact": "intro"}


class GptmePlayed(LinesPlayed):
    """See `matrix.tool.Played`. The client writes a call and its result together, when the tool has ended."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        session = f"{now:%Y-%m-%d-%H%M%S}-{folder.resolve().name}"
        super().__init__(home / ".local/share/gptme/logs" / session / "conversation.jsonl", session, folder, now)
        self._add("system", "You are gptme v0.35.1, a general-purpose AI assistant powered by LLMs.", hide=True)
        self._add("system", f"## System Information\n\n**Working Directory:** {self.folder}", hide=True)

    def prompt(self, text: str) -> None:
        self._add("user", text)

    def say(self, text: str) -> None:
        self._add("assistant", text, metadata={"model": "local/fake-model"})

    def edit(self, path: Path, old: str, new: str) -> None:
        patch = f"<<<<<<< ORIGINAL\n{old}\n=======\n{new}\n>>>>>>> UPDATED"
        self.say(f"```patch {path}\n{patch}\n```")
        self._add("system", f"Patch successfully applied to `{path}`")

    def run(self, command: str, output: str, exit_code: int) -> None:
        self.say(f"```shell\n{command}\n```")
        printed = f"```stdout\n{output}\n```\n\n" if output else "No output\n"
        returned = f"Return code: {exit_code}\n" if exit_code else ""
        self._add("system", f"Ran command: `{command}`\n\n{printed}{returned}")

    def end(self, how: Ending) -> None:
        if how == "limit":
            self._add("system", LIMIT, metadata={"error": True, "error_class": "generic", "exit_code": 1})
        elif how == "compacted":
            self._add("system", "Previous conversation resumed from RESUME.md:", metadata=COMPACTED)
            self._add("assistant", "The discount of the shop was worked on.")

    def _add(self, role: str, content: str, **fields: Any) -> None:
        at = self._next().astimezone().replace(tzinfo=None).isoformat(timespec="microseconds")
        self._write({"role": role, "content": content, "timestamp": at, **fields})


TOOLS = (Tool(id="gptme", agent="gptme", play=GptmePlayed, reads=each_agents_md),)
