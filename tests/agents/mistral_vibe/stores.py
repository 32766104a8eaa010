"""Writes sessions as Mistral Vibe does (3.0.3): a journal, and from time to time a new generation."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

START_MS: Final = 1_795_400_000_000


class Store:
    """One session below a folder of sessions. Each entry is written a second after the last."""

    def __init__(self, root: Path, session: str, cwd: Path | str, now: datetime) -> None:
        self.session = session
        self.folder = root / "unified" / session
        self.path = self.folder / "CURRENT"
        self.entries: dict[str, dict[str, Any]] = {}
        self._now = now
        self._sequence = 0
        self._turns = 0
        self._state: dict[str, Any] = {"latestTurn": None, "session": {"id": session, "title": None}}
        self.folder.mkdir(parents=True)
        meta = {"session_id": session, "environment": {"working_directory": str(cwd)}, "config": {"model_name": "fake"}}
        (self.folder / "meta.json").write_text(json.dumps(meta))
        self.settle()

    def settle(self) -> None:
        """Begins a generation, with all entries in chunks and a journal of its own. The one before is removed later."""
        number = f"{self._sequence:016}"
        generation = self.folder / "generations" / number
        segment = f"journal/{self._sequence + 1:016}.jsonl"
        for folder in (generation, self.folder / "chunks", self.folder / "journal"):
            folder.mkdir(parents=True, exist_ok=True)
        data = json.dumps(list(self.entries.values())).encode()
        chunk = sha256(data).hexdigest()
        (self.folder / "chunks" / f"{chunk}.json").write_bytes(data)
        state = {"snapshot": {**self._state, "history": {"entries": []}}}
        (generation / "projection-state.json").write_text(json.dumps(state))
        files = {"projection_state": {"chunks": [chunk]}, "checkpoint": {"chunks": [self._checkpoint()]}}
        manifest = {**files, "recovery_journal_segment": {"path": segment, "first_sequence": self._sequence + 1}}
        (generation / "manifest.json").write_text(json.dumps(manifest))
        self._segment = self.folder / segment
        self._segment.touch()
        fresh = self.folder / "CURRENT.new"
        fresh.write_text(json.dumps({"generation": number, "session_id": self.session}))
        fresh.replace(self.path)

    def title(self, text: str) -> None:
        self._state["session"] = {**self._state["session"], "title": text}
        self._journal()

    def prompt(self, text: str, source: str = "turn_start") -> None:
        self._turns += 1
        self._turn("in_progress")
        self.message("user", text, source=source)

    def message(self, role: str, text: str, **fields: Any) -> None:
        content = [{"type": "text", "text": text}]
        self._append("message", role=role, content=content, **{"source": "harness", **fields})

    def answer(self, text: str) -> None:
        self._turn("completed")
        self.message("assistant", text, outcome={"type": "committed"})

    def call(self, name: str, given: dict[str, Any]) -> str:
        detail = {"kind": "tool", "toolName": name, "input": given}
        return self._append("effect", generationStatus="in_progress", detail=detail, state={"status": "running"})

    def result(self, ident: str, content: dict[str, Any], status: str = "completed", **state: Any) -> None:
        ended = {"status": status, "output": {"structured_content": content}, "outputText": "", **state}
        self._put("replace_entry", {**self.entries[ident], "updatedAt": self._time(), "state": ended})

    def run(self, command: str, output: str, exit_code: int) -> None:
        ident = self.call("file_system.bash", {"command": command, "timeout_seconds": 120})
        self.result(ident, {"returncode": exit_code, "stdout": output, "stderr": ""})

    def edit(self, path: Path | str, old: str, new: str) -> None:
        given = {"file_path": str(path), "old_string": old, "new_string": new}
        blocks = [{"new_start_line": 1, "old_lines": old.split("\n"), "new_lines": new.split("\n")}]
        result = {"structured_content": {}, "_meta": {"mistralai.vibe.sdk.search_replace": {"blocks": blocks}}}
        self.result(self.call("file_system.edit", given), {}, output=result)

    def stop(self, status: str, **fields: Any) -> None:
        self._turn(status, completedAt=self._time(), **fields)
        self._journal()

    def compact(self, summary: str) -> None:
        self.summary = summary
        self._append("checkpoint", kind="compaction", message="Context compacted")
        self.settle()

    def rewind(self, ident: str) -> None:
        """Goes back to before an entry."""
        at = list(self.entries).index(ident)
        self.entries = dict(list(self.entries.items())[:at])
        self.settle()

    summary = ""

    def _checkpoint(self) -> str:
        text = (
            f"Here is a summary:\n\n<compaction_summary>\n{self.summary}\n</compaction_summary>" if self.summary else ""
        )
        data = json.dumps([{"message": {"role": "user", "content": [{"type": "text", "text": text}]}}]).encode()
        name = sha256(data).hexdigest()
        (self.folder / "chunks" / f"{name}.json").write_bytes(data)
        return name

    def _turn(self, status: str, **fields: Any) -> None:
        self._state["latestTurn"] = {"id": f"turn-{self._turns}", "status": status, **fields}

    def _append(self, of: str, **fields: Any) -> str:
        ident = f"{of}-{self.session[:8]}-{len(self.entries)}-{self._sequence}"
        at = self._time()
        times = {"createdAt": at, "updatedAt": at, "generationStatus": "completed"}
        self._put("append_entry", {"type": of, "id": ident, "turnId": f"turn-{self._turns}", **times, **fields})
        return ident

    def _put(self, op: str, entry: dict[str, Any]) -> None:
        self.entries[entry["id"]] = entry
        self._journal({"op": op, "id": entry["id"], "entry": entry})

    def _journal(self, *changes: dict[str, Any]) -> None:
        self._sequence += 1
        delta = [*changes, {"op": "set_envelope", "state": self._state}]
        record = {"payload": {"delta": delta}, "sequence": self._sequence, "type": "projection_delta"}
        with self._segment.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(record, separators=(",", ":")) + "\n")

    def _time(self) -> int:
        self._now += timedelta(seconds=1)
        return int(self._now.timestamp() * 1000)
