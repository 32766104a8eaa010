"""gptme in the matrix of hand-overs: conversations and instruction files as 0.35.1 has them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from matrix.tool import Ending, Tool, instructions

LIMIT = "error: generic\nError code: 402 - {'error': {'message': 'You exceeded your current quota'}}"
COMPACTED = {"compaction_artifact": "intro"}


class GptmePlayed:
    """See `matrix.tool.Played`. The client writes a call and its result together, when the tool has ended."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self.folder = Path(folder.resolve())
        self.session = f"{now:%Y-%m-%d-%H%M%S}-{self.folder.name}"
        self._now = now
        self.path = home / ".local/share/gptme/logs" / self.session / "conversation.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write("system", "You are gptme v0.35.1, a general-purpose AI assistant powered by LLMs.", hide=True)
        self._write("system", f"## System Information\n\n**Working Directory:** {self.folder}", hide=True)

    def prompt(self, text: str) -> None:
        self._write("user", text)

    def say(self, text: str) -> None:
        self._write("assistant", text, metadata={"model": "local/fake-model"})

    def edit(self, path: Path, old: str, new: str) -> None:
        patch = f"<<<<<<< ORIGINAL\n{old}\n=======\n{new}\n>>>>>>> UPDATED"
        self.say(f"```patch {path}\n{patch}\n```")
        self._write("system", f"Patch successfully applied to `{path}`")

    def run(self, command: str, output: str, exit_code: int) -> None:
        self.say(f"```shell\n{command}\n```")
        printed = f"```stdout\n{output}\n```\n\n" if output else "No output\n"
        returned = f"Return code: {exit_code}\n" if exit_code else ""
        self._write("system", f"Ran command: `{command}`\n\n{printed}{returned}")

    def end(self, how: Ending) -> None:
        if how == "limit":
            self._write("system", LIMIT, metadata={"error": True, "error_class": "generic", "exit_code": 1})
        elif how == "compacted":
            self._write("system", "Previous conversation resumed from RESUME.md:", metadata=COMPACTED)
            self._write("assistant", "The discount of the shop was worked on.")

    def _write(self, role: str, content: str, **fields: Any) -> None:
        self._now += timedelta(seconds=1)
        local = self._now.astimezone().replace(tzinfo=None)
        line = {"role": role, "content": content, "timestamp": local.isoformat(timespec="microseconds"), **fields}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _reads(root: Path, folder: Path) -> str:
    return instructions(root, folder, "AGENTS.md")


TOOLS = (Tool(id="gptme", agent="gptme", play=GptmePlayed, reads=_reads),)
