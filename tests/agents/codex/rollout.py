"""A Codex transcript made up line by line, for what the recordings do not show."""

from __future__ import annotations

import json
from typing import Any, Literal

from agents.codex.contract_case import NAME, THREAD
from carryover.adapter.contract import Source
from carryover.agents.codex.adapter import AGENT
from carryover.model import AnyBody
from contract.case import Transcript

START_MS = 1_795_154_400_000
"""2026-11-20T06:00:00Z"""

SHOP = "/home/dev/shop"
OTHER = "/home/dev/other"


class Rollout(Transcript):
    """One transcript file while it is folded. Each record comes a second after the one before."""

    def __init__(
        self, *, family: Literal["legacy", "paginated"] = "paginated", version: str = "0.169.0", **meta: Any
    ) -> None:
        super().__init__(AGENT, Source(agent="codex", path=f"/t/{NAME}", session=THREAD))
        self.family = family
        self.turn_id = "turn-0"
        self.lines = 0
        self._calls = 0
        mode = {"history_mode": "paginated"} if family == "paginated" else {}
        reported = {"id": THREAD, "timestamp": self.time, "cwd": SHOP, "cli_version": version, **mode, **meta}
        self.record("session_meta", **reported)

    @property
    def time(self) -> str:
        return f"2026-11-20T06:{self.lines // 60:02d}:{self.lines % 60:02d}.000Z"

    @property
    def seconds(self) -> int:
        """Epoch seconds of the next record."""
        return START_MS // 1000 + self.lines

    def record(self, kind: str, /, **payload: Any) -> list[AnyBody]:
        """Fold a record; gives what it became, facts about the session aside."""
        reported = {"timestamp": self.time, "ordinal": self.lines, "type": kind, "payload": payload}
        if self.family == "legacy":
            del reported["ordinal"]
        self.lines += 1
        return self.fold(json.dumps(reported).encode())

    def event(self, kind: str, /, **fields: Any) -> list[AnyBody]:
        return self.record("event_msg", type=kind, **fields)

    def response(self, kind: str, **fields: Any) -> list[AnyBody]:
        return self.record("response_item", type=kind, **fields)

    def item(self, kind: str, *, turn: str | None = None, thread: str = THREAD, **fields: Any) -> list[AnyBody]:
        return self.event(
            "item_completed", thread_id=thread, turn_id=turn or self.turn_id, item={"type": kind, "id": "i", **fields}
        )

    def turn(self, turn_id: str = "turn-1", cwd: str = SHOP, *, trigger: str | None = "user") -> None:
        self.turn_id = turn_id
        self.event("task_started", turn_id=turn_id, started_at=self.seconds, turn_attribution={"turn_trigger": trigger})
        self.record("turn_context", turn_id=turn_id, cwd=cwd, model="gpt-5.5")

    def asks(self, text: str, **fields: Any) -> list[AnyBody]:
        if self.family == "legacy":
            return self.event("user_message", message=text, **fields)
        return self.item("UserMessage", content=[{"type": "text", "text": text}], **fields)

    def says(self, text: str, phase: str | None = None) -> list[AnyBody]:
        if self.family == "legacy":
            return self.event("agent_message", message=text, phase=phase)
        return self.item("AgentMessage", content=[{"type": "Text", "text": text}], phase=phase)

    def calls(self, name: str, *, call_id: str | None = None, **arguments: Any) -> str:
        """The model calls a function; gives the call's id."""
        self._calls += 1
        call_id = call_id or f"call_{self._calls}"
        self.response("function_call", name=name, arguments=json.dumps(arguments), call_id=call_id)
        return call_id

    def output(self, call_id: str, output: object) -> list[AnyBody]:
        return self.response("function_call_output", call_id=call_id, output=output)

    def runs(self, name: str, output: object = "", /, **arguments: Any) -> list[AnyBody]:
        """The model calls a function and has its output; gives what the output became."""
        return self.output(self.calls(name, **arguments), output)

    def patches(self, *lines: str) -> str:
        """The model calls `apply_patch`; gives the call's id."""
        self._calls += 1
        call_id = f"call_{self._calls}"
        patch = "\n".join(("*** Begin Patch", *lines, "*** End Patch"))
        self.response("custom_tool_call", name="apply_patch", input=patch, call_id=call_id)
        return call_id

    def ends(self, call_id: str, command: str, exit_code: int | None, output: str = "", **fields: Any) -> list[AnyBody]:
        """The client's own record of a command that ended."""
        reported = {
            "command": ["/bin/bash", "-lc", command],
            "exit_code": exit_code,
            "aggregated_output": output,
            **fields,
        }
        if self.family == "legacy":
            return self.event("exec_command_end", call_id=call_id, cwd=SHOP, **{"turn_id": self.turn_id, **reported})
        turn = reported.pop("turn_id", None)
        return self.item("CommandExecution", turn=turn, **{"cwd": f"file://{SHOP}", **reported, "id": call_id})


def exited(code: int, output: str = "") -> str:
    """The output of `exec_command` (0.99 to 0.169)."""
    return (
        f"Chunk ID: 3fb182\nWall time: 0.0513 seconds\nProcess exited with code {code}\n"
        f"Original token count: 9\nOutput:\n{output}"
    )


def running(process: int) -> str:
    """The output of `exec_command` of a process that runs on."""
    return f"Chunk ID: 3fb182\nWall time: 1.0 seconds\nProcess running with session ID {process}\nOutput:\nstarting\n"
