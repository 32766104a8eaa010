"""The rules of ATIF 1.7, from its specification: the schema beside the fixtures, and what holds across fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from support.json_schema import violations

SCHEMA: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "atif-1.7.schema.json").read_text()
)
_OF_AGENTS: Final = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")


def atif_violations(document: dict[str, Any]) -> list[str]:
    """Returns what in a trajectory is not as the format asks."""
    return [*violations(document, SCHEMA), *_across(document)]


def _across(document: dict[str, Any]) -> Iterator[str]:
    for number, step in enumerate(document["steps"], 1):
        if step["step_id"] != number:
            yield f"step {number}: not numbered so"
        if step["source"] != "agent":
            yield from (f"step {number}: {name} of no agent" for name in _OF_AGENTS if name in step)
        calls = [call["tool_call_id"] for call in step.get("tool_calls", ())]
        for result in step.get("observation", {}).get("results", ()):
            if result.get("source_call_id") is not None and calls and result["source_call_id"] not in calls:
                yield f"step {number}: a result of no call"
    inner = document.get("subagent_trajectories", [])
    names = [one.get("trajectory_id") for one in inner]
    if None in names or len({*names}) < len(names):
        yield "sub-agents without an id of their own"
    for one in inner:
        yield from _across(one)
