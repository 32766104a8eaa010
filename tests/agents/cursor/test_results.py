"""How calls and turns ended."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.agents.cursor.results import outcome_of, turn_end
from carryover.model import Op, TurnEnd


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("op", "result", "outcome"),
    [
        ("shell", "Exit code: 0\n\nCommand output:\nfine\n", ToolOutcome("ok", "fine\n", exit_code=0)),
        ("shell", "Exit code: 1\n\nCommand output:\n2 failed", ToolOutcome("error", "2 failed", exit_code=1)),
        ("shell", "Exit code: -9", ToolOutcome("error", "", exit_code=-9)),
        # Nobody says how it ended: it printed this.
        ("shell", "done\nExit code: 1", ToolOutcome("unknown", "done\nExit code: 1")),
        ("shell", "\x1b[31mred\x1b[0m", ToolOutcome("unknown", "red")),
        ("edit", "Error: no such file: a.py", ToolOutcome("error", "no such file: a.py")),
        ("edit", "The file /p/a.py has been updated.", ToolOutcome("ok", "The file /p/a.py has been updated.")),
        ("read", [{"type": "text", "text": "x = 1"}], ToolOutcome("ok", "x = 1")),
        ("edit", "User rejected the edit", ToolOutcome("denied", "User rejected the edit", never_ran=True)),
        ("shell", {"output": "no", "exitCode": 2}, ToolOutcome("error", "no", exit_code=2)),
        ("shell", {"output": "yes", "exitCodeV2": 0}, ToolOutcome("ok", "yes", exit_code=0)),
        ("shell", {"output": "", "rejected": True}, ToolOutcome("denied", "", never_ran=True)),
        ("edit", {"afterContentId": "composer.content.x"}, ToolOutcome("ok", "")),
        ("edit", {"error": "no match"}, ToolOutcome("error", "no match")),
        ("read", {"contents": "x = 1"}, ToolOutcome("ok", "x = 1")),
        ("edit", 5, ToolOutcome("unknown")),
    ],
)
def test_a_result_tells_how_its_call_ended(op: Op, result: Any, outcome: ToolOutcome) -> None:
    assert outcome_of(op, raw(result)) == outcome


@pytest.mark.parametrize(
    "message",
    ["You've hit your usage limit", "429 Too Many Requests", "rate limit exceeded", "rate_limit", "Quota used up"],
)
def test_a_limit_is_recognised_from_an_error(message: str) -> None:
    assert turn_end(message, 0) == TurnEnd(reason="limit", message=message)
