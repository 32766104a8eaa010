"""Kimi Code's material for the contract suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import Capabilities, Case, Recording

FIXTURES: Final = Path(__file__).parent / "fixtures"
AT: Final = 1795406289066


def recordings() -> tuple[Recording, ...]:
    files = sorted(FIXTURES.glob("*/*/sessions/*/*/agents/*/wire.jsonl"))
    return tuple(Recording(path, path.parents[4]) for path in files)


def recording(name: str, part: str = "main") -> Recording:
    """A session's log by its scenario, and a part of its path where there are more."""
    of_scenario = (each for each in recordings() if each.root.parent.name == name)
    [found] = (each for each in of_scenario if part in str(each.path.relative_to(each.root)))
    return found


def record(of: str, **fields: Any) -> bytes:
    return json.dumps({"type": of, "agentId": "main", "time": AT, **fields}).encode()


def event(of: str, **fields: Any) -> bytes:
    return record("context.append_loop_event", event={"type": of, "uuid": "u1", "turnId": "0", **fields})


def prompt(text: str, kind: str) -> bytes:
    return record("turn.prompt", input=[{"type": "text", "text": text}], origin={"kind": kind}, promptId="msg_1")


def message(text: str, kind: str) -> bytes:
    said = {"role": "user", "content": [{"type": "text", "text": text}], "origin": {"kind": kind}}
    return record("context.append_message", message=said)


FORMS: Final = (
    "Interrupted by user",
    "The user rejected this tool call. Ship it",
    '{"answers":{"Cents?":"Ship it"}}',
    "<system-reminder>\nThe user said: Ship it\n</system-reminder>",
    "<git-context>\nmain\n</git-context>\nShip it",
    "Ship it\nCommand failed with exit code: 0.",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    in_place_only=("wire.jsonl",),
    unknown=(record("brand_new"), event("brand_new"), event("tool.call"), event("tool.result")),
    quiet=(
        record("metadata"),
        record("profile.bind", systemPrompt="words"),
        record("turn.ended", reason="completed"),
        event("step.begin"),
        event("content.part", part={"type": "think", "think": "Hm."}),
        message("words", "user"),
    ),
    not_typed=(
        prompt("words", "system_trigger"),
        message("<system-reminder>words</system-reminder>", "injection"),
        message("<hook_result>words</hook_result>", "hook_result"),
        record("context.apply_compaction", summary="words"),
    ),
    strangers=(
        "wd_shop_1/session_1/state.json",
        "wd_shop_1/session_1/agents/main/notes.jsonl",
        "wd_shop_1/session_1/agents/other/wire.jsonl",
        "wd_shop_1/session_1/wire.jsonl",
        "wire.jsonl",
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="the log of each agent of a session",
    shows=frozenset({"compaction", "fork", "limit", "sub-agents", "title", "todo list", "who asks"}),
)
