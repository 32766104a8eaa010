"""Droid's material for the contract suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of, recorded_payloads

FIXTURES: Final = Path(__file__).parent / "fixtures"
SESSION: Final = "0f0f0f0f-0000-4000-8000-000000000001"
PLACE: Final = "-home-dev-shop"


def recordings() -> tuple[Recording, ...]:
    files = sorted(FIXTURES.glob("*/*/sessions/*/*.jsonl"))
    return tuple(Recording(path, path.parents[1]) for path in files)


def recording(name: str, holds: str = "", version: str = "0.225.2") -> Recording:
    """A session by its scenario, and a text in its header where there are more."""
    of_scenario = (each for each in recordings() if each.root.parts[-3:-1] == (version, name))
    [found] = (each for each in of_scenario if holds in each.path.read_text("utf-8").partition("\n")[0])
    return found


def record(kind: str, **fields: Any) -> bytes:
    common = {"type": kind, "id": SESSION, "timestamp": "2026-11-28T23:55:58.228Z"}
    return json.dumps({**common, **fields}).encode()


def message(role: str, *parts: dict[str, Any], **fields: Any) -> bytes:
    return record("message", message={"role": role, "content": list(parts), **fields})


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def payload(event: str, **fields: Any) -> Payload:
    common = {
        "session_id": SESSION,
        "transcript_path": f"/home/dev/.factory/sessions/{PLACE}/{SESSION}.jsonl",
        "cwd": "/home/dev/shop",
        "hook_event_name": event,
    }
    return payload_of(event, common, fields)


CASE: Final = Case(
    recordings=recordings(),
    forms=(
        "Tool execution cancelled by user",
        "Error: Tool execution cancelled by user",
        "Request interrupted by user",
        "<system-reminder>\nThe user said: Ship it\n</system-reminder>",
        '{"type":"bash_result","command":"Ship it","stdout":"Ship it","stderr":"","exitCode":0}',
        "# Task Tool Invocation\n\n---BEGIN TASK FROM PARENT AGENT---\nShip it\n---END TASK FROM PARENT AGENT---",
    ),
    unknown=(
        record("brand_new"),
        message("brand_new", text("words")),
        message("assistant", {"type": "tool_use", "name": "Read"}),
        message("user", {"type": "tool_result", "content": "words"}),
    ),
    quiet=(
        record("agent_turn_outcome", turnId="t1", reason="completed", resultKind="text"),
        record("todo_state", todos={}),
        message("user", hookEventName="SessionStart", visibility="user_only"),
        message("assistant", {"type": "thinking", "thinking": "Hm."}),
        message("system", text("words")),
    ),
    not_typed=(
        message("user", text("words"), visibility="llm_only"),
        message("user", text("words"), visibility="user_only"),
        message("user", text("<system-reminder>The date</system-reminder>")),
        message("user", text('{"type":"bash_result","command":"ls","stdout":"","stderr":"","exitCode":0}')),
        record("compaction_state", summaryText="words"),
    ),
    strangers=(
        f"{PLACE}/{SESSION}.settings.json",
        f"{PLACE}/{SESSION}.settings.json.bak",
        f"{PLACE}/notes.jsonl",
        f"{SESSION}.jsonl",
    ),
    payloads=recorded_payloads(FIXTURES / "0.225.2" / "hooks.jsonl"),
    foreign=(
        payload(
            "SessionStart", source="startup", transcript_path=f"/home/dev/.claude/projects/{PLACE}/{SESSION}.jsonl"
        ),
        payload("Stop", transcript_path=LEFT_OUT),
        payload("Stop", transcript_path=""),
        payload("SessionStart", source="startup", cursor_version="3.12.17"),
        payload("SessionEnd", hook_event_name=LEFT_OUT),
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="sessions, of sub-agents too",
    shows=frozenset({"compaction", "fork", "limit", "resume", "sub-agents", "tests", "title"}),
)
