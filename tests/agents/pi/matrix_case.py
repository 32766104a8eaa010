"""pi in the matrix of hand-overs: sessions and instruction files as 1.5.2 has them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from difflib import unified_diff
from pathlib import Path
from typing import Any

from matrix.tool import Call, Ending, Played, Tool, instructions

LIMIT = '429: {"message":"You have reached your usage limit","code":"usage_limit_reached"}'


class PiPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self.session = str(uuid.uuid4())
        self.folder = Path(folder.resolve())
        self._now = now
        self._last: str | None = None
        self._entries = 0
        began = self._time()
        place = "-".join(("", *self.folder.parts[1:], ""))
        name = f"{began.replace(':', '-').replace('.', '-')}_{self.session}.jsonl"
        self.path = home / ".pi" / "agent" / "sessions" / f"-{place}-" / name
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write({"type": "session", "version": 3, "id": self.session, "timestamp": began, "cwd": str(self.folder)})

    def prompt(self, text: str) -> None:
        self._message("user", content=[{"type": "text", "text": text}])

    def say(self, text: str) -> None:
        self._answer({"type": "text", "text": text})

    def edit(self, path: Path, old: str, new: str) -> None:
        before = path.read_text() if path.exists() else old
        after = before.replace(old, new)
        patch = "\n".join(unified_diff(before.split("\n"), after.split("\n"), path.name, path.name, lineterm=""))
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
        ident = f"call_{self._entries:04d}_0"
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

    def _write(self, record: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def _time(self) -> str:
        self._now += timedelta(seconds=1)
        now = self._now.astimezone(UTC)
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"


def _reads(root: Path, folder: Path) -> str:
    return instructions(root, folder, "AGENTS.md")


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    session = going_on if isinstance(going_on, PiPlayed) else PiPlayed(home, folder, datetime.now(UTC))
    given = {
        "session_id": session.session,
        "transcript_path": str(session.path),
        "cwd": str(session.folder),
        "hook_event_name": "SessionStart",
        "source": "resume" if going_on is session else "startup",
    }
    return Call("SessionStart", json.dumps(given).encode())


TOOLS = (Tool(id="pi", agent="pi", play=PiPlayed, starts=_starts, reads=_reads),)
