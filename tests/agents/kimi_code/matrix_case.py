"""Kimi Code in the matrix of hand-overs: logs and instruction files as 2.1.0 has them."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from matrix.tool import Ending, LinesPlayed, Tool, each_agents_md

LIMIT: Final = {"message": "402 You have reached your usage limit", "details": {"statusCode": 402}}


class KimiPlayed(LinesPlayed):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        session = f"session_{uuid.uuid4()}"
        place = home / ".kimi-code" / "sessions" / f"wd_{folder.name}_0123456789ab" / session
        super().__init__(place / "agents" / "main" / "wire.jsonl", session, folder, now)
        (place / "state.json").write_text(json.dumps({"id": session, "cwd": str(self.folder)}))
        self._add("metadata", protocol_version="1.5")

    def prompt(self, text: str) -> None:
        given = [{"type": "text", "text": text}]
        self._add("turn.prompt", input=given, origin={"kind": "user"}, promptId=f"msg_{uuid.uuid4().hex}")

    def say(self, text: str) -> None:
        self._event("content.part", part={"type": "text", "text": text})
        self._add("turn.ended", reason="completed")

    def edit(self, path: Path, old: str, new: str) -> None:
        given = {"path": str(path), "old_string": old, "new_string": new}
        self._call("Edit", given, {"output": f"Replaced 1 occurrence in {path}"})

    def run(self, command: str, output: str, exit_code: int) -> None:
        failed = {"output": f"{output}Command failed with exit code: {exit_code}.", "isError": True}
        self._call("Bash", {"command": command}, failed if exit_code else {"output": output})

    def end(self, how: Ending) -> None:
        if how == "limit":
            self._add("turn.ended", reason="failed", error=LIMIT)
        elif how == "killed":
            self._asks("Bash", {"command": "sleep 600"})
        elif how == "compacted":
            self._add("context.apply_compaction", summary="The discount of the shop was worked on.")

    def _call(self, name: str, given: dict[str, Any], result: dict[str, Any]) -> None:
        self._event("tool.result", toolCallId=self._asks(name, given), result=result)

    def _asks(self, name: str, given: dict[str, Any]) -> str:
        ident = f"call_{uuid.uuid4().hex[:20]}"
        self._event("tool.call", toolCallId=ident, name=name, args=given)
        return ident

    def _event(self, of: str, **fields: Any) -> None:
        self._add("context.append_loop_event", event={"type": of, "uuid": str(uuid.uuid4()), **fields})

    def _add(self, of: str, **fields: Any) -> None:
        self._write({"type": of, "agentId": "main", **fields, "time": int(self._next().timestamp() * 1000)})


TOOLS = (Tool(id="kimi-code", agent="kimi-code", play=KimiPlayed, reads=each_agents_md),)
