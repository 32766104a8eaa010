"""pi in the matrix of hand-overs: sessions and instruction files as 1.5.2 has them."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from matrix.tool import Ending, LinesPlayed, Tool, diff_of, each_agents_md, started

LIMIT = '429: {"message":"You have reached your usage limit","code":"usage_limit_reached"}'


class PiPlayed(LinesPlayed):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        session = str(uuid.uuid4())
        place = "-".join(("", *folder.resolve().parts[1:], ""))
        path = home / ".pi" / "agent" / "sessions" / f"-{place}-" / f"{now:%Y-%m-%dT%H-%M-%S}-000Z_{session}.jsonl"
        super().__init__(path, session, folder, now)
        self._last: str | None = None
        self._entries = 0
        head = {"type": "session", "version": 3, "id": session, "timestamp": self._time(), "cwd": str(self.folder)}
        self._write(head)

    def prompt(self, text: str) -> None:
        self._message("user", content=[{"type": "text", "text": text}])

    def say(self, text: str) -> None:
        self._answer({"type": "text", "text": text})

    def edit(self, path: Path, old: str, new: str) -> None:
        patch = diff_of(path, old, new, path.name, path.name)
        given = {"path": str(path), "edits": [{"oldText": old, "newText": new}]}
        self._call("edit", given, f"Successfully replaced 1 block(s) in {path}.", details={"patch": f"{patch}\n"})

    def run(self, command: str, output: str, exit_code: int) -> None:
        ending = f"\n\nCommand exited with code {exit_code}" if exit_code else ""
        self._call("bash", {"command": command}, f"{output}{ending}", failed=exit_code != 0)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self._message("assistant", content=[], model="fake-model", stopReason="error", errorMessage=LIMIT)
        elif how == "killed":
            self._asks("bash", {"command": "sleep 600"})
        elif how == "compacted":
            self._add("compaction", summary="The discount of the shop was worked on.", firstKeptEntryId=self._last)

    def _asks(self, name: str, arguments: dict[str, Any]) -> str:
        ident = self._next_call()
        self._answer({"type": "toolCall", "id": ident, "name": name, "arguments": arguments}, reason="toolUse")
        return ident

    def _call(
        self, name: str, arguments: dict[str, Any], text: str, *, failed: bool = False, details: Any = None
    ) -> None:
        ident = self._asks(name, arguments)
        content = [{"type": "text", "text": text}]
        result = {"toolCallId": ident, "toolName": name, "content": content, "details": details, "isError": failed}
        self._message("toolResult", **result)

    def _answer(self, part: dict[str, Any], reason: str = "stop") -> None:
        self._message("assistant", content=[part], provider="lab", model="fake-model", stopReason=reason)

    def _message(self, role: str, **fields: Any) -> None:
        self._add("message", message={"role": role, **fields})

    def _add(self, kind: str, **fields: Any) -> None:
        self._entries += 1
        ident = f"{self._entries:08x}"
        self._write({"type": kind, "id": ident, "parentId": self._last, "timestamp": self._time(), **fields})
        self._last = ident


TOOLS = (Tool(id="pi", agent="pi", play=PiPlayed, starts=started(PiPlayed), reads=each_agents_md),)
