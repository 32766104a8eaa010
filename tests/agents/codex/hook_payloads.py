"""What Codex hands to hooks: as recorded, and made up in that shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from contract.case import LEFT_OUT, Payload, payload_of, recorded_payloads

RECORDED: Final = Path(__file__).parent / "recorded_hooks"
SESSION: Final = "01a1f792-8e0d-7b83-8229-c2da9f8c5dec"
ROLLOUT: Final = f"/home/dev/.codex/sessions/2026/11/20/rollout-2026-11-20T06-08-59-{SESSION}.jsonl"


def recorded(name: str) -> tuple[Payload, ...]:
    """The payloads of one recording, named by what was done and the version."""
    return recorded_payloads(RECORDED / f"{name}.jsonl")


def payload(event: str, **fields: Any) -> Payload:
    """A synthetic payload with what all of Codex's have."""
    common = {
        "session_id": SESSION,
        "transcript_path": ROLLOUT,
        "cwd": "/home/dev/shop",
        "hook_event_name": event,
        "model": "gpt-5.5",
        "permission_mode": "default",
    }
    return payload_of(event, common, fields)


PAYLOADS: Final = (*recorded("tui-0.169.0"), *recorded("subagent-and-review-0.169.0"), *recorded("tui-0.125.0"))
FOREIGN: Final = (
    # Claude Code's, whose hooks other programs run.
    payload(
        "SessionStart", source="startup", transcript_path=f"/home/dev/.claude/projects/-home-dev-shop/{SESSION}.jsonl"
    ),
    # Cursor's, with and without its own names.
    payload("Stop", transcript_path=None, conversation_id=SESSION, workspace_roots=["/home/dev/shop"]),
    # Of programs that name no transcript at all.
    payload("Stop", transcript_path=LEFT_OUT, last_assistant_message="Done."),
    payload("Stop", transcript_path=f"/home/dev/.copilot/session-state/{SESSION}/events.jsonl"),
    # The hook of one event run for another.
    payload("SessionStart", source="startup", hook_event_name="UserPromptSubmit"),
    payload("Stop", hook_event_name=LEFT_OUT),
)
