"""A Claude Code transcript made up line by line, for what the recordings do not show."""

from __future__ import annotations

import json
from typing import Any

from agents.claude_code.contract_case import HEAD, SESSION
from carryover.adapter.contract import Source
from carryover.agents.claude_code.adapter import AGENT
from carryover.model import AnyBody
from contract.case import Transcript

START_MS = 1_795_154_400_000
"""2026-11-20T06:00:00Z"""

ID = SESSION % 99


class Session(Transcript):
    """One transcript file while it is folded. Each record comes a second after the one before and has its own uuid."""

    def __init__(self, *, subagent_id: str | None = None) -> None:
        super().__init__(AGENT, Source(agent="claude-code", path=f"/t/{ID}.jsonl", session=ID, subagent_id=subagent_id))
        self._calls = 0

    def record(self, kind: str, **fields: Any) -> list[AnyBody]:
        number = self.number + 1
        own = {"uuid": f"u{number}", "timestamp": f"2026-11-20T06:{number // 60:02d}:{number % 60:02d}.000Z"}
        return self.fold(json.dumps({"type": kind, **HEAD, **own, "version": "2.1.328", **fields}).encode())

    def user(self, content: object, **fields: Any) -> list[AnyBody]:
        return self.record("user", message={"role": "user", "content": content}, **fields)

    def says(
        self, *blocks: object, model: str = "claude-opus-5-5", stop: str | None = None, **fields: Any
    ) -> list[AnyBody]:
        content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        return self.record("assistant", message={"model": model, "content": content, "stop_reason": stop}, **fields)

    def calls(self, name: str, **tool_input: Any) -> str:
        """The model calls a tool; gives the call's id."""
        self._calls += 1
        call_id = f"toolu_{self._calls}"
        self.says({"type": "tool_use", "id": call_id, "name": name, "input": tool_input}, stop="tool_use")
        return call_id

    def result(self, call_id: str, content: object = "", *, failed: bool | None = None, **fields: Any) -> list[AnyBody]:
        block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": failed}
        return self.user([block], **fields)

    def runs(
        self,
        name: str,
        content: object = "",
        /,
        *,
        failed: bool | None = None,
        result: object = None,
        **tool_input: Any,
    ) -> list[AnyBody]:
        """The model calls a tool and has its result; gives what the result became."""
        return self.result(self.calls(name, **tool_input), content, failed=failed, toolUseResult=result)

    def attachment(self, kind: str, **fields: Any) -> list[AnyBody]:
        return self.record("attachment", attachment={"type": kind, **fields})

    def queue(self, operation: str, content: str | None = None, **fields: Any) -> list[AnyBody]:
        """A queue record: it has a time and a session, but neither uuid nor folder."""
        bare = {"uuid": None, "cwd": None, "version": None}
        more = {} if content is None else {"content": content}
        return self.record("queue-operation", operation=operation, **bare, **more, **fields)
