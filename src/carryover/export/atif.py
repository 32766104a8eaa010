"""Renders a session as a trajectory in the Agent Trajectory Interchange Format, for tools that evaluate or train. Pure.

Steps, calls and results have the format's own fields; what those can't say is in `extra.carryover`. What the user
retracted is left out, and that a prompt waited before it was taken up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from carryover import model
from carryover.export.quoting import safe
from carryover.export.session_parts import WRITTEN, SessionHead, shown_body
from carryover.records.fields import iso_utc

_VERSION: Final = "ATIF-v1.7"
_OURS: Final = "carryover"
"""Name below `extra` of what the format has no field for."""
_UNKNOWN_VERSION: Final = "unknown"
"""Stands for a version that is not recorded, because the format requires one."""
_ARGUMENTS: Final[dict[model.Op, str]] = {
    "shell": "command",
    "search": "pattern",
    "web": "query",
    "ask": "question",
    **dict.fromkeys(("read", "edit", "write"), "path"),
}
"""The argument that holds a call's subject, by operation; `subject` for any other."""
_SOURCES: Final[dict[type, str]] = {
    model.AssistantMessage: "agent",
    model.Question: "agent",
    model.PlanProposal: "agent",
    model.Answer: "user",
}
"""Who speaks; the system in any other, and in a prompt that the user did not type."""
_NOTES: Final = (
    f"{WRITTEN} Of a call's arguments, the main one is recorded; long "
    "output is cut in its middle; reasoning and tokens are not recorded. Known key patterns are replaced by "
    "[redacted:...]. Read it before you share it."
)
_NAMES: Final = frozenset("call_id task_id parent cwd kind".split())


def trajectory(head: SessionHead, events: Iterable[model.StoredEvent]) -> bytes | None:
    """Returns the document; None if nothing in the session can be a step of it."""
    threads: dict[str, _Steps] = {"": _Steps(head, None)}
    counting = [event for event in events if not event.retracted]
    taken = {event.body.typed: at for at, event in enumerate(counting) if isinstance(event.body, model.UserPrompt)}
    for at, event in enumerate(counting):
        if not isinstance(event.body, model.QueuedPrompt) or taken.get(event.body.text, -1) < at:
            thread = event.subagent_id or ""
            threads.setdefault(thread, _Steps(head, event.subagent_id)).add(event.at_ms, event.body)
    main = threads.pop("")
    others: list[dict[str, Any]] = [
        {"schema_version": _VERSION, "trajectory_id": name, "agent": _agent(head, None), "steps": threads[name].steps}
        for name in sorted(threads)
        if threads[name].steps
    ]
    if others and not main.steps:
        first = min(thread.steps[0]["timestamp"] for thread in threads.values() if thread.steps)
        only = "Only the work of sub-agents is recorded of this session."
        main.steps.append({"step_id": 1, "timestamp": first, "source": "system", "message": only})
    if not main.steps:
        return None
    usual = next((step["model_name"] for step in reversed(main.steps) if "model_name" in step), head.model)
    facts = {"cwd": head.root, "title": head.title, "branch": head.branch, "parent": head.parent}
    document = {
        "schema_version": _VERSION,
        "session_id": head.id,
        "trajectory_id": head.id,
        "agent": _agent(head, usual),
        "steps": main.with_model(usual),
        "notes": _NOTES,
        "final_metrics": {"total_steps": len(main.steps)},
        "extra": {_OURS: _cleaned({name: value for name, value in facts.items() if value})},
    }
    if others:
        document["subagent_trajectories"] = others
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _agent(head: SessionHead, name: str | None) -> dict[str, str]:
    facts = {"name": head.agent, "version": head.version or _UNKNOWN_VERSION, **({"model_name": name} if name else {})}
    return {name: safe(value) for name, value in facts.items()}


class _Steps:
    """The steps of one thread. A message opens a step, and so does a call after results.

    >>> steps = _Steps(SessionHead(id="s1", agent="codex", agent_name="Codex CLI"), None)
    >>> steps.add(0, model.UserPrompt(text="add a cart"))
    >>> [(step["source"], step["message"]) for step in steps.with_model(None)]
    [('user', 'add a cart')]
    """

    def __init__(self, head: SessionHead, subagent_id: str | None) -> None:
        self.steps: list[dict[str, Any]] = []
        self._head = head
        self._subagent_id = subagent_id
        self._model: str | None = None
        self._calls: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

    def add(self, at_ms: int, body: model.AnyBody) -> None:
        timestamp = f"{iso_utc(at_ms).removesuffix('Z')}.{at_ms % 1000:03}Z"
        body = msgspec.convert(_cleaned(msgspec.to_builtins(body)), model.AnyBody)
        match body:
            case model.SessionInfo(model=name):
                self._model = name or self._model
            case model.ToolCall():
                self._call(body, timestamp)
            case model.ToolResult():
                self._result(body, timestamp)
            case model.FileEdit(call_id=str() as call_id) if call_id in self._calls:
                step, call = self._calls[call_id]
                edit = {**_fields(body, "kind", "call_id"), **_when(timestamp, step)}
                call["extra"][_OURS].setdefault("edits", []).append(edit)
            case model.Retracted():
                pass
            case _:
                self._say(body, timestamp)

    def with_model(self, usual: str | None) -> list[dict[str, Any]]:
        """Returns the steps, with the model only where it is not the trajectory's."""
        for step in self.steps:
            if step.get("model_name") == usual:
                step.pop("model_name", None)
        return self.steps

    def _say(self, body: model.AnyBody, timestamp: str) -> None:
        message = ""
        extra = _fields(body)
        if isinstance(body, model.UserPrompt | model.AssistantMessage):
            message = body.typed if isinstance(body, model.UserPrompt) else body.text
            extra = _fields(body, "text")
            if len(extra) == 1:
                if not message.strip():
                    return
                extra = {}
        elif (what := shown_body(body, self._head.agent_name, self._head.root)) is not None:
            is_heading = isinstance(body, model.FileEdit) or not what.text
            message = what.heading if is_heading else f"{what.heading}\n\n{what.text}"
        source = _SOURCES.get(type(body), "system")
        if isinstance(body, model.UserPrompt) and (body.actor == "human" or self._subagent_id is not None):
            source = "user"
        step = self._step(source, timestamp, message)
        if extra:
            step["extra"] = {_OURS: extra}
        if isinstance(body, model.AgentSummary) and body.source == "compaction":
            step["extra"]["context_management"] = {"type": "compaction", "boundary": "replace"}

    def _step(self, source: str, timestamp: str, message: str) -> dict[str, Any]:
        step: dict[str, Any] = {
            "step_id": len(self.steps) + 1,
            "timestamp": timestamp,
            "source": source,
            "message": message,
        }
        if source == "agent" and self._model and self._subagent_id is None:
            step["model_name"] = self._model
        self.steps.append(step)
        return step

    def _call(self, call: model.ToolCall, timestamp: str) -> None:
        step = self.steps[-1] if self.steps else None
        if step is None or step["source"] != "agent" or "observation" in step:
            step = self._step("agent", timestamp, "")
        entry = {
            "tool_call_id": call.call_id,
            "function_name": call.name,
            "arguments": {_ARGUMENTS.get(call.op, "subject"): call.subject} if call.subject else {},
            "extra": {_OURS: {**_fields(call, "kind", "call_id", "name", "subject"), **_when(timestamp, step)}},
        }
        step.setdefault("tool_calls", []).append(entry)
        self._calls[call.call_id] = (step, entry)

    def _result(self, result: model.ToolResult, timestamp: str) -> None:
        if result.call_id not in self._calls:
            call_id = result.call_id
            op = result.op
            call = model.ToolCall(call_id=call_id, name=result.name, op=op, subject=result.subject, actor=result.actor)
            self._call(call, timestamp)
        step, _ = self._calls[result.call_id]
        rest = _fields(result, "kind", "call_id", "name", "op", "subject", "actor", "output")
        extra = {_OURS: {**rest, **_when(timestamp, step)}}
        ended = {"source_call_id": result.call_id, "content": result.output, "extra": extra}
        step.setdefault("observation", {"results": []})["results"].append(ended)


def _fields(body: model.AnyBody, *without: str) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(body)
    return {name: value for name, value in fields.items() if name not in without}


def _when(timestamp: str, step: dict[str, Any]) -> dict[str, str]:
    return {"at": timestamp} if timestamp != step["timestamp"] else {}


def _cleaned(value: Any, name: str = "") -> Any:
    """Returns a structure with text that may leave the machine; ids stay as they are."""
    if isinstance(value, str):
        return value if name in _NAMES else safe(value)
    if isinstance(value, dict):
        return {key: _cleaned(inner, key) for key, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list | tuple) else value
