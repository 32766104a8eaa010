"""What a call is about, and what is said by calling."""

from __future__ import annotations

from typing import Any

import pytest

from agents.claude_code.session import Session
from carryover.model import Op, ToolCall


def called(name: str, **tool_input: Any) -> ToolCall:
    transcript = Session()
    transcript.calls(name, **tool_input)
    body = transcript.bodies[0]
    assert isinstance(body, ToolCall)
    return body


@pytest.mark.parametrize(
    ("name", "tool_input", "op", "subject"),
    [
        ("Bash", {"command": "make test", "description": "Run the tests"}, "shell", "make test"),
        ("Read", {"file_path": "/p/cart.py"}, "read", "/p/cart.py"),
        ("Edit", {"file_path": "/p/cart.py", "old_string": "a", "new_string": "b"}, "edit", "/p/cart.py"),
        ("NotebookEdit", {"notebook_path": "/p/a.ipynb", "new_source": "x"}, "edit", "/p/a.ipynb"),
        ("Write", {"file_path": "/p/cart.py", "content": "x"}, "write", "/p/cart.py"),
        ("Grep", {"pattern": "total", "path": "/p"}, "search", "total"),
        ("WebFetch", {"url": "https://example.org", "prompt": "Read it"}, "web", "https://example.org"),
        ("WebSearch", {"query": "discounts"}, "web", "discounts"),
        ("Task", {"description": "Find totals", "prompt": "List where"}, "agent", "Find totals"),
        ("TaskCreate", {"subject": "Wire it", "description": "Into checkout"}, "plan", "Wire it"),
        ("AskUserQuestion", {"questions": [{"question": "Which cap?"}]}, "ask", "Which cap?"),
        ("Skill", {"skill": "commit"}, "other", "commit"),
        ("mcp__github__create_issue", {"title": "x", "query": {"a": 1}, "path": "/p"}, "other", "/p"),
        ("BrandNew", {}, "other", ""),
    ],
)
def test_a_call_says_what_it_does_and_to_what(name: str, tool_input: dict[str, Any], op: Op, subject: str) -> None:
    assert called(name, **tool_input) == ToolCall(call_id="toolu_1", name=name, op=op, subject=subject)
