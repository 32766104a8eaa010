"""Events that OpenHands exports as a trajectory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.model import AssistantMessage, FileEdit, ToolCall, ToolResult, UserPrompt
from carryover.records.fields import iso_utc
from support.specstory import events_of


def test_events_that_openhands_exports(tmp_path: Path) -> None:
    """As it exported them in 2025: what it recalls for a prompt is no prompt, and what a call printed no answer."""

    def event(ident: int, source: str, **fields: Any) -> dict[str, Any]:
        return {"id": ident, "timestamp": f"2026-11-20T06:00:{ident:02}", "source": source, **fields}

    def action(ident: int, source: str, name: str, **args: Any) -> dict[str, Any]:
        return event(ident, source, action=name, message="Shown.", args=args)

    def observation(ident: int, name: str, cause: int, content: str, code: int = 0) -> dict[str, Any]:
        extras = {"metadata": {"exit_code": code}}
        return event(ident, "agent", observation=name, cause=cause, message="Done.", content=content, extras=extras)

    events = [
        event(0, "environment", observation="agent_state_changed", content="", extras={"agent_state": "loading"}),
        action(1, "agent", "system", content="You are an agent."),
        action(2, "user", "message", content="Fix the test."),
        action(3, "user", "recall", query="Fix the test."),
        observation(4, "recall", 3, "Added workspace context"),
        action(5, "agent", "run", command="pytest", thought="I run it.", is_input=False),
        observation(6, "run", 5, "E   assert 1 == 2", 1),
        action(7, "agent", "edit", path="src/a.py", command="create", file_text="A = 1\n"),
        observation(8, "edit", 7, "Created."),
        action(9, "agent", "run", command="C-c", is_input=True),
        observation(10, "run", 9, "^C", 130),
        action(11, "agent", "think", thought="It is done."),
        observation(12, "think", 11, "Your thought has been logged."),
        action(13, "agent", "condensation", summary="It was a test."),
        action(14, "agent", "condensation_request"),
        action(15, "agent", "run", command="make"),
        event(16, "agent", observation="run", cause=15, content="No rule.", extras={"exit_code": 2}),
        action(17, "agent", "read", path="b.py"),
        event(18, "agent", observation="error", cause=17, content="No such file.", extras={"error_id": ""}),
        action(19, "user", "run", command="ls"),
        action(20, "agent", "change_agent_state", agent_state="finished"),
        action(21, "agent", "finish", final_thought="The test passes."),
    ]
    path = tmp_path / "trajectory.json"
    path.write_text(json.dumps({"trajectory": events}), encoding="utf-8")
    found = events_of(open_document(Candidate(path, project="/home/ann/shop")))
    bodies = [event.body for event in found]

    said = [body.text for body in bodies if isinstance(body, UserPrompt | AssistantMessage)]
    assert said == ["Fix the test.", "I run it.", "The test passes."]
    results = [(body.op, body.status, body.output) for body in bodies if isinstance(body, ToolResult)]
    assert results == [
        ("shell", "error", "E   assert 1 == 2"),
        ("edit", "ok", "Created."),
        ("other", "ok", "^C"),
        ("shell", "error", "No rule."),
        ("read", "error", "No such file."),
    ]
    assert [body.name for body in bodies if isinstance(body, ToolCall)] == ["run", "edit", "write_stdin", "run", "read"]
    assert [body.path for body in bodies if isinstance(body, FileEdit)] == ["/home/ann/shop/src/a.py"]
    assert iso_utc(found[-1].at_ms) == "2026-11-20T06:00:21Z"

    others = [
        {"source": "user", "action": "message", "content": "Fix it."},
        {"role": "assistant", "content": "Done.", "source": "web", "action": "post", "args": {}},
    ]
    path.write_text(json.dumps(others), encoding="utf-8")
    spoken = [event.body for event in events_of(open_document(Candidate(path)))]
    assert spoken == [UserPrompt(text="Fix it."), AssistantMessage(text="Done.")]
