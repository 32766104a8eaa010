"""What Copilot hands to hooks: as recorded, and made up in that shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import Payload

RECORDED: Final = Path(__file__).parent / "recorded_hooks"
SESSION: Final = "5e00ef91-e550-4761-b8d8-862d3a68e5d8"
LOG: Final = f"/home/dev/.copilot/session-state/{SESSION}/events.jsonl"


def recorded(name: str) -> tuple[Payload, ...]:
    """The payloads of one recording, named by what was done and the version, in the order they came."""
    lines = map(json.loads, (RECORDED / f"{name}.jsonl").read_bytes().splitlines())
    return tuple(Payload(line["event"], json.dumps(line["payload"]).encode()) for line in lines)


def payload(event: str, **fields: Any) -> Payload:
    """A synthetic payload with what all of the terminal client's have."""
    common = {"sessionId": SESSION, "timestamp": 1795155160349, "cwd": "/home/dev/shop"}
    return Payload(event, json.dumps({**common, **fields}).encode())


PAYLOADS: Final = (
    *recorded("edits-compact-clear-1.0.102"),
    *recorded("resume-and-sub-agent-1.0.102"),
    *recorded("ask-and-limit-1.0.48"),
)
FOREIGN: Final = (
    # Its own under other programs' names for events, which is how it runs their hooks.
    *recorded("pascal-case-names-1.0.102"),
    # Claude Code's and Codex's.
    Payload(
        "sessionStart",
        json.dumps(
            {"session_id": SESSION, "transcript_path": "/home/dev/.claude/projects/-x/s.jsonl", "source": "startup"}
        ).encode(),
    ),
    payload("agentStop", transcriptPath=f"/home/dev/.codex/sessions/2026/11/20/rollout-{SESSION}.jsonl"),
    payload("agentStop", transcriptPath=f"/home/dev/.copilot/session-state/{SESSION}/plan.md"),
    # Cursor's.
    Payload("sessionStart", json.dumps({"conversation_id": SESSION, "cursor_version": "3.12"}).encode()),
    # The hook of one event run for another.
    payload("sessionStart", source="new", hookEventName="Stop"),
    payload("sessionStart", source="tomorrow"),
)
