"""Writes the log of a session as Copilot 1.0.102 does: the fields that matter, one JSON object a line."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from carryover.adapter.contract import Source
from carryover.agents.copilot.adapter import AGENT
from carryover.model import Body, Event
from contract.case import Reading, read_on

B = TypeVar("B", bound=Body)
VERSION = "1.0.102"


@dataclass
class CopilotSession:
    """One session. The log is begun with the first prompt; every record is a second after the last."""

    home: Path
    """Copilot's own folder, `~/.copilot`."""
    cwd: Path
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    last: str | None = None
    """Id of the record before."""

    @property
    def path(self) -> Path:
        return self.home / "session-state" / self.session / "events.jsonl"

    def start(self) -> None:
        """The client begins."""
        self.record("session.start", sessionId=self.session, copilotVersion=VERSION, context=self._context())

    def resume(self) -> None:
        """Another process of the client goes on with the session."""
        self.record("session.resume", eventCount=1, context=self._context())

    def prompt(self, text: str, **fields: Any) -> None:
        """The user's words."""
        if self.last is None:
            self.start()
        self.record("user.message", content=text, transformedContent=f"<current_datetime/>\n\n{text}", **fields)

    def call(self, call_id: str, tool: str, agent: str | None = None, **arguments: Any) -> None:
        """A call of a tool, without its result."""
        request = {"toolCallId": call_id, "name": tool, "arguments": arguments}
        self.record("assistant.message", agent=agent, content="", toolRequests=[request])
        self.record("tool.execution_start", agent=agent, toolCallId=call_id, toolName=tool, arguments=arguments)

    def done(self, call_id: str, content: str, agent: str | None = None, **fields: Any) -> None:
        """A result that the client does not call a failure."""
        result = {"content": content}
        self.record("tool.execution_complete", agent=agent, toolCallId=call_id, success=True, result=result, **fields)

    def failed(self, call_id: str, message: str, code: str = "failure") -> None:
        """A call that failed."""
        error = {"message": message, "code": code}
        self.record("tool.execution_complete", toolCallId=call_id, success=False, error=error)

    def ran(self, call_id: str, output: str, exit_code: int) -> None:
        """The result of a command."""
        content = f"{output}\n<shellId: 0 completed with exit code {exit_code}>"
        self.done(call_id, content, shellExecution={"exitCode": exit_code})

    def edited(self, call_id: str, path: Path, old: str, new: str) -> None:
        """An edit that was applied."""
        self.call(call_id, "edit", path=str(path), old_str=old, new_str=new)
        diff = f"\ndiff --git a{path} b{path}\n--- a{path}\n+++ b{path}\n@@ -2,1 +2,1 @@\n-    {old}\n+    {new}\n"
        result = {"content": f"File {path} updated with changes.", "detailedContent": diff}
        self.record(
            "tool.execution_complete",
            toolCallId=call_id,
            success=True,
            result=result,
            fileEdits=[{"path": str(path), "kind": "edit"}],
        )

    def say(self, text: str) -> None:
        """The words that end the turn."""
        self.record("assistant.message", content=text, toolRequests=[])

    def compacted(self, summary: str, *, success: bool = True) -> None:
        """A compaction."""
        self.record("session.compaction_complete", success=success, summaryContent=summary, trigger="manual")

    def limit(self, message: str) -> None:
        """A request is refused because of a usage limit."""
        self.record("session.error", errorType="rate_limit", message=message, statusCode=429)

    def record(self, kind: str, /, *, agent: str | None = None, **data: Any) -> str:
        """Appends a record; its id."""
        self.now += timedelta(seconds=1)
        ident = str(uuid.uuid4())
        at = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"type": kind, "data": data, "id": ident, "timestamp": at, "parentId": self.last}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(line | ({"agentId": agent} if agent else {})).encode() + b"\n")
        self.last = ident
        return ident

    def payload(self, **fields: Any) -> bytes:
        """What a hook gets on its stdin."""
        at_ms = int(self.now.timestamp() * 1000)
        return json.dumps({"sessionId": self.session, "timestamp": at_ms, "cwd": str(self.cwd), **fields}).encode()

    def _context(self) -> dict[str, str]:
        root = next((str(top) for top in (self.cwd, *self.cwd.parents) if (top / ".git").exists()), None)
        return {"cwd": str(self.cwd), "branch": "main", **({"gitRoot": root} if root else {})}


def source_of(session: CopilotSession) -> Source:
    source = AGENT.source_of(session.path, session.home / "session-state")
    assert source is not None
    return source


def read(session: CopilotSession, reading: Reading | None = None) -> Reading:
    """What was written since `reading`."""
    return read_on(AGENT, source_of(session), reading)


def of(events: list[Event], kind: type[B], *, agent: str | None = None) -> list[B]:
    """The bodies of one kind, in their order: of the main conversation, or of a sub-agent."""
    return [event.body for event in events if isinstance(event.body, kind) and event.subagent_id == agent]


def begun(folder: Path) -> CopilotSession:
    """A session with a prompt, in a repository."""
    (folder / "shop" / ".git").mkdir(parents=True)
    session = CopilotSession(folder / ".copilot", folder / "shop")
    session.prompt("Fix the price.")
    return session
