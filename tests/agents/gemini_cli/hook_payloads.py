"""What Gemini CLI hands to hooks: as recorded, and synthetic ones in that shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import Payload

RECORDED: Final = Path(__file__).parent / "recorded_hooks"
SESSION: Final = "3b971be9-01cf-4ea3-87b0-7244834328cb"
TRANSCRIPT: Final = "/home/dev/.gemini/tmp/shop/chats/session-2026-11-20T06-22-3b971be9.jsonl"
LEFT_OUT: Final = object()


def recorded(name: str) -> tuple[Payload, ...]:
    """The payloads of one recording, named by what was done and the version, in the order they came."""
    lines = (RECORDED / f"{name}.jsonl").read_bytes().splitlines()
    return tuple(Payload(json.loads(line)["hook_event_name"], line) for line in lines)


def payload(event: str, **fields: Any) -> Payload:
    """A synthetic payload with what all of Gemini CLI's have; `LEFT_OUT` leaves a field out."""
    common = {
        "session_id": SESSION,
        "transcript_path": TRANSCRIPT,
        "cwd": "/home/dev/shop",
        "hook_event_name": event,
        "timestamp": "2026-11-20T06:22:48.529Z",
    }
    given = {name: value for name, value in {**common, **fields}.items() if value is not LEFT_OUT}
    return Payload(event, json.dumps(given).encode())


PAYLOADS: Final = (
    *recorded("interactive-0.61.0"),
    *recorded("compress-clear-0.61.0"),
    *recorded("oneshot-0.61.0"),
)
FOREIGN: Final = (
    # Programs that run the hooks of others.
    payload("SessionStart", source="startup", transcript_path="/home/dev/.claude/projects/-home-dev-shop/a.jsonl"),
    payload("SessionStart", source="startup", cursor_version="3.12.17"),
    payload("SessionEnd", workspace_roots=["/home/dev/shop"]),
    payload("AfterAgent", conversation_id=SESSION),
    # No transcript, or one that lies elsewhere.
    payload("AfterAgent", transcript_path=LEFT_OUT),
    payload("AfterAgent", transcript_path=""),
    payload("AfterAgent", transcript_path="/home/dev/.gemini/tmp/shop/logs.json"),
    # The hook of one event run for another.
    payload("SessionStart", source="startup", hook_event_name="BeforeAgent"),
    payload("SessionEnd", hook_event_name=LEFT_OUT),
)
