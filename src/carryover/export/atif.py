"""Renders a session as a trajectory in the Agent Trajectory Interchange Format, for tools that evaluate or train. Pure.

What the user took back is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from carryover.export.quoting import safe
from carryover.export.session_parts import SessionEvent, shown
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    FileEdit,
    Op,
    PlanProposal,
    Question,
    SessionInfo,
    ToolCall,
    ToolResult,
    UserPrompt,
)
from carryover.records.fields import iso_utc

VERSION: Final = "ATIF-v1.7"
UNKNOWN: Final = "unknown"
"""Stands for a version that is not recorded, because the format requires one."""
_ARGUMENTS: Final[dict[Op, str]] = {
    "shell": "command",
    "read": "path",
    "edit": "path",
    "write": "path",
    "search": "pattern",
    "web": "query",
    "ask": "question",
}
"""The argument that holds a call's subject, by operation; `subject` for any other."""
_NOTES: Final = (
    "Written by Carryover from its own record of the session. Of a call's arguments, the main one is recorded; long "
    "output is cut in its middle; reasoning and tokens are not recorded. Known key patterns are replaced by "
    "[redacted:...]. Read it before you share it."
)
_ONLY_SUBAGENTS: Final = "Only the work of sub-agents is recorded of this session."
_IDS: Final = frozenset("session_id trajectory_id tool_call_id source_call_id timestamp cwd".split())


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about the session. `agent`: the agent's id. `cwd`: the project's root."""

    session: str
    agent: str
    agent_name: str
    version: str | None = None
    model: str | None = None
    title: str | None = None
    cwd: str | None = None


def trajectory(head: Head, events: Iterable[SessionEvent], *, subagents: bool) -> bytes | None:
    """Returns the document; None if nothing in the session can be a step of it."""
    threads: dict[str, _Steps] = {"": _Steps(head, is_main=True)}
    for event in events:
        thread = event.subagent_id or ""
        if not event.retracted and (subagents or not thread):
            threads.setdefault(thread, _Steps(head, is_main=False)).add(event.at_ms, event.body)
    main = threads.pop("")
    others: list[dict[str, Any]] = [
        {"schema_version": VERSION, "trajectory_id": name, "agent": _agent(head, None), "steps": threads[name].steps}
        for name in sorted(threads)
        if threads[name].steps
    ]
    if others and not main.steps:
        first = min(other["steps"][0]["timestamp"] for other in others)
        main.steps.append({"step_id": 1, "timestamp": first, "source": "system", "message": _ONLY_SUBAGENTS})
    if not main.steps:
        return None
    model = next((step["model_name"] for step in reversed(main.steps) if "model_name" in step), head.model)
    for step in main.steps:  # the model is named only where it is not the trajectory's
        if "model_name" in step and step["model_name"] == model:
            del step["model_name"]
    document = {
        "schema_version": VERSION,
        "session_id": head.session,
        "trajectory_id": head.session,
        "agent": _agent(head, model),
        "steps": main.steps,
        "notes": _NOTES,
        "final_metrics": {"total_steps": len(main.steps)},
        "extra": {name: value for name, value in (("cwd", head.cwd), ("title", head.title)) if value},
    }
    if others:
        document["subagent_trajectories"] = others
    return msgspec.json.format(msgspec.json.encode(_cleaned(document)), indent=2) + b"\n"


def _agent(head: Head, model: str | None) -> dict[str, str]:
    return {"name": head.agent, "version": head.version or UNKNOWN, **({"model_name": model} if model else {})}


class _Steps:
    """The steps of one thread. A message opens a step, and so does a call after results."""

    def __init__(self, head: Head, *, is_main: bool) -> None:
        self.steps: list[dict[str, Any]] = []
        self._head = head
        self._is_main = is_main
        self._model: str | None = None
        self._calls: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

    def add(self, at_ms: int, body: AnyBody) -> None:
        at = f"{iso_utc(at_ms).removesuffix('Z')}.{at_ms % 1000:03}Z"
        match body:
            case SessionInfo(model=model):
                self._model = model or self._model
            case ToolCall():
                self._call(body, at)
            case ToolResult():
                self._result(body, at)
            case FileEdit(call_id=str() as call_id, diff=diff) if call_id in self._calls:
                arguments = self._calls[call_id][1]["arguments"]
                if diff:
                    arguments["diff"] = "\n".join(filter(None, (arguments.get("diff"), diff)))
            case _:
                self._say(body, at)

    def _say(self, body: AnyBody, at: str) -> None:
        match body:
            case UserPrompt():
                message = body.typed
            case AssistantMessage() | AgentSummary():
                message = body.text
            case _:
                seen = shown(body, self._head.agent_name, self._head.cwd)
                message = "\n\n".join(filter(None, seen[1:3])) if seen is not None else ""
        if message.strip():
            step = self._step(self._source(body), at, message)
            if isinstance(body, AgentSummary) and body.source == "compaction":
                step["extra"] = {"context_management": {"type": "compaction", "boundary": "replace"}}

    def _source(self, body: AnyBody) -> str:
        match body:
            case UserPrompt(actor=actor):
                return "user" if actor == "human" or not self._is_main else "system"
            case Answer():
                return "user"
            case AssistantMessage() | Question() | PlanProposal():
                return "agent"
            case _:
                return "system"

    def _step(self, source: str, at: str, message: str) -> dict[str, Any]:
        step: dict[str, Any] = {"step_id": len(self.steps) + 1, "timestamp": at, "source": source, "message": message}
        if source == "agent" and self._model and self._is_main:
            step["model_name"] = self._model
        self.steps.append(step)
        return step

    def _call(self, call: ToolCall | ToolResult, at: str) -> None:
        step = self.steps[-1] if self.steps else None
        if step is None or step["source"] != "agent" or "observation" in step:
            step = self._step("agent", at, "")
        made = {
            "tool_call_id": call.call_id,
            "function_name": call.name,
            "arguments": {_ARGUMENTS.get(call.op, "subject"): call.subject} if call.subject else {},
        }
        step.setdefault("tool_calls", []).append(made)
        self._calls[call.call_id] = (step, made)

    def _result(self, result: ToolResult, at: str) -> None:
        if result.call_id not in self._calls:
            self._call(result, at)
        step, _ = self._calls[result.call_id]
        ended: dict[str, Any] = {"source_call_id": result.call_id, "content": result.output}
        if result.status not in ("ok", "unknown"):
            ended["extra"] = {"is_error": True}
        step.setdefault("observation", {"results": []})["results"].append(ended)


def _cleaned(value: Any, name: str = "") -> Any:
    """Returns a structure with text that may leave the machine; ids stay as they are."""
    if isinstance(value, str):
        return value if name in _IDS else safe(value).text
    if isinstance(value, dict):
        return {key: _cleaned(inner, key) for key, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list) else value
