"""Cline in the matrix of hand-overs: sessions and instruction files as 3.0.65 has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from matrix.tool import Ending, Tool, agents_md, started

LIMIT = "You have reached your usage limit"


class ClinePlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._now = now
        self._calls = 0
        self._messages: list[dict[str, Any]] = []
        sessions = home / ".cline" / "data" / "sessions"
        others = len(list(sessions.glob("*"))) if sessions.exists() else 0
        self.session = f"{self._at_ms()}_{others:05x}"
        self._folder = sessions / self.session
        self._folder.mkdir(parents=True)
        self._manifest: dict[str, Any] = {
            "session_id": self.session,
            "started_at": self._time(),
            "status": "running",
            "interactive": True,
            "model": "fake-model",
            "cwd": str(folder.resolve()),
            "metadata": {"git": {"branch": "main"}},
        }
        self.save()

    @property
    def path(self) -> Path:
        return self._folder / f"{self.session}.messages.json"

    def prompt(self, text: str) -> None:
        self._say("user", {"type": "text", "text": f'<user_input mode="act">{text}</user_input>'})

    def say(self, text: str) -> None:
        self._say("assistant", {"type": "text", "text": text})

    def edit(self, path: Path, old: str, new: str) -> None:
        before = path.read_text() if path.exists() else old
        lines = zip(before.split("\n"), before.replace(old, new).split("\n"), strict=True)
        changed = [(at, *pair) for at, pair in enumerate(lines, start=1) if pair[0] != pair[1]]
        diff = "\n".join(f"-{at}: {was}\n+{at}: {now}" for at, was, now in changed)
        done = {"query": f"edit:{path}", "result": f"Edited {path}\n```diff\n{diff}\n```", "success": True}
        self._call("editor", {"path": str(path), "old_text": old, "new_text": new}, json.dumps(done))

    def run(self, command: str, output: str, exit_code: int) -> None:
        failed = f"Command exited with code {exit_code}"
        result = {"query": command, "result": output, "success": True}
        if exit_code:
            result = {"query": command, "result": f"[{failed}]\n\n{output}", "error": failed, "success": False}
        self._call("run_commands", {"commands": [command]}, [result])

    def end(self, how: Ending) -> None:
        if how == "limit":
            metadata = {"displayOnly": True, "displayRole": "error"}
            self._say("assistant", {"type": "text", "text": LIMIT}, metadata=metadata)
        elif how == "killed":
            self._asks("run_commands", {"commands": ["sleep 600"]})
        elif how == "compacted":
            self._compact("The discount of the shop was worked on.")
        else:
            self._manifest |= {"status": "completed", "ended_at": self._time()}
            self.save()

    def _compact(self, summary: str) -> None:
        about = {"kind": "compaction_summary", "summary": summary, "generatedAt": self._at_ms()}
        document = {"source_message_count": len(self._messages), "messages": [{"role": "user", "metadata": about}]}
        self._store("compaction.json", document)

    def _asks(self, name: str, given: dict[str, Any]) -> str:
        self._calls += 1
        ident = f"call_{self._calls:04d}_0"
        self._say("assistant", {"type": "tool_use", "id": ident, "name": name, "input": given})
        return ident

    def _call(self, name: str, given: dict[str, Any], content: Any) -> None:
        ident = self._asks(name, given)
        self._say("user", {"type": "tool_result", "tool_use_id": ident, "name": name, "content": content})

    def _say(self, role: str, part: dict[str, Any], **fields: Any) -> None:
        ident = f"msg_{self.session}_{len(self._messages)}"
        self._messages.append({"id": ident, "role": role, "content": [part], "ts": self._at_ms(), **fields})
        self.save()

    def save(self) -> None:
        """Write the session, all of it each time."""
        origin = {"source": "cli", "mode": "user", "sessionId": self.session, "version": "3.0.65"}
        head = {"version": 1, "agent": "lead", "sessionId": self.session, "origin": origin}
        self._store("messages.json", {**head, "messages": self._messages})
        self._store("json", self._manifest)

    def _store(self, ending: str, document: dict[str, Any]) -> None:
        (self._folder / f"{self.session}.{ending}").write_text(json.dumps(document, indent=2, ensure_ascii=False))

    def _at_ms(self) -> int:
        self._now += timedelta(seconds=1)
        return int(self._now.timestamp() * 1000)

    def _time(self) -> str:
        return datetime.fromtimestamp(self._at_ms() / 1000, tz=UTC).isoformat()


TOOLS = (Tool(id="cline", agent="cline", play=ClinePlayed, starts=started(ClinePlayed), reads=agents_md),)
