"""Writes transcripts as Claude Code 2.1.328 does: the fields of its records that matter, one JSON object a line."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from carryover.adapter.contract import Source
from carryover.agents import adapters


@dataclass
class ClaudeSession:
    """One session. The `*_line` methods give a record's line, each a second after the last; the others append it."""

    folder: Path
    """The `projects` folder of the client."""
    cwd: Path
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    parent: str | None = None

    @property
    def path(self) -> Path:
        slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in str(self.cwd))
        return self.folder / slug / f"{self.session}.jsonl"

    @property
    def source(self) -> Source:
        """What the adapter makes of its path."""
        source = adapters()["claude-code"].source_of(self.path, self.folder)
        assert source is not None
        return source

    def prompt_line(self, text: str) -> bytes:
        return self.line(type="user", message={"role": "user", "content": text}, promptSource="typed")

    def answer_line(self, text: str, *, stop_reason: str = "end_turn") -> bytes:
        return self._assistant({"type": "text", "text": text}, stop_reason)

    def call_line(self, call_id: str, command: str) -> bytes:
        call = {"type": "tool_use", "id": call_id, "name": "Bash", "input": {"command": command, "description": "run"}}
        return self._assistant(call, "tool_use")

    def result_line(self, call_id: str, output: str) -> bytes:
        result = {"tool_use_id": call_id, "type": "tool_result", "content": output, "is_error": False}
        details = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}
        return self.line(type="user", message={"role": "user", "content": [result]}, toolUseResult=details)

    def prompt(self, text: str) -> None:
        self.append(self.prompt_line(text))

    def answer(self, text: str) -> None:
        self.append(self.answer_line(text))

    def work(
        self,
        prompt: str = "Add a discount function to the cart",
        answer: str = "I wrote discount(). Next I will add tests for negative amounts.",
    ) -> Self:
        """One turn."""
        self.prompt(prompt)
        self.answer(answer)
        return self

    def limit(self) -> None:
        """What the client writes in place of an answer at a usage limit."""
        text = {"type": "text", "text": "You've hit your session limit · resets 3pm (Europe/Amsterdam)"}
        message = {"id": "m1", "type": "message", "role": "assistant", "model": "<synthetic>", "content": [text]}
        self.append(self.line(type="assistant", message=message, isApiErrorMessage=True, error="rate_limit"))

    def append(self, data: bytes) -> None:
        """Write `data` at the end, in one go, as the client does."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            file.write(data)

    def _assistant(self, block: dict[str, Any], stop_reason: str) -> bytes:
        message = {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": [block],
            "stop_reason": stop_reason,
            "usage": {"input_tokens": 1200, "output_tokens": 40},
        }
        return self.line(type="assistant", message=message, requestId=f"req_{uuid.uuid4().hex[:24]}")

    def line(self, **fields: Any) -> bytes:
        self.now += timedelta(seconds=1)
        ident = str(uuid.uuid4())
        record = {
            "parentUuid": self.parent,
            "isSidechain": False,
            **fields,
            "uuid": ident,
            "timestamp": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "userType": "external",
            "entrypoint": "cli",
            "cwd": str(self.cwd),
            "sessionId": self.session,
            "version": "2.1.328",
            "gitBranch": "main",
        }
        self.parent = ident
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"
