"""What Cursor hands to hooks, made up from reports of `cursor-agent` 2026.09.10 and the vendor's pages."""

from __future__ import annotations

import json
from typing import Any, Final

from contract.case import Payload

CONVERSATION: Final = "7c1f2a90-1111-4222-8333-9d2c00000001"
TRANSCRIPT: Final = f"/home/dev/.cursor/projects/home-dev-shop/agent-transcripts/{CONVERSATION}/{CONVERSATION}.jsonl"
LEFT_OUT: Final = object()


def payload(event: str, **fields: Any) -> Payload:
    """A payload with what all of Cursor's have; `LEFT_OUT` leaves a field out."""
    common = {
        "conversation_id": CONVERSATION,
        "generation_id": "7c1f2a90-1111-4222-8333-9d2c00000002",
        "model": "default",
        "hook_event_name": event,
        "cursor_version": "2026.09.10-fd3934a",
        "workspace_roots": ["/home/dev/shop"],
        "user_email": "dev@example.com",
        "transcript_path": TRANSCRIPT,
    }
    reported = {name: value for name, value in {**common, **fields}.items() if value is not LEFT_OUT}
    return Payload(event, json.dumps(reported).encode())


PAYLOADS: Final = (
    payload("sessionStart", session_id=CONVERSATION, is_background_agent=False, composer_mode="agent"),
    payload("beforeSubmitPrompt", prompt="Add a discount", attachments=[]),
    payload("preToolUse", tool_name="Shell", tool_input={"command": "make test"}, tool_use_id="tool_1", cwd=""),
    payload("afterShellExecution", command="make test", output="1 failed", duration=900, cwd="/home/dev/shop"),
    payload("afterFileEdit", file_path="/home/dev/shop/cart.py", edits=[{"old_string": "a", "new_string": "b"}]),
    payload("afterAgentResponse", text="Done."),
    payload("preCompact", trigger="auto", context_usage_percent=91, context_tokens=182_000),
    payload("stop", status="completed", loop_count=0),
    payload("stop", status="aborted", loop_count=0, conversation_id=CONVERSATION.replace("7c1f", "7c2f")),
    payload("stop", status="error", loop_count=0, conversation_id=CONVERSATION.replace("7c1f", "7c3f")),
    payload("sessionEnd", session_id=CONVERSATION, reason="completed", duration_ms=60_000, final_status="completed"),
)

_OWN: Final = dict.fromkeys(("conversation_id", "generation_id", "cursor_version", "workspace_roots"), LEFT_OUT)
FOREIGN: Final = (
    # Claude Code's and Codex's shape.
    payload(
        "sessionStart",
        **_OWN,
        session_id=CONVERSATION,
        cwd="/home/dev/shop",
        source="startup",
        transcript_path=f"/home/dev/.claude/projects/-home-dev-shop/{CONVERSATION}.jsonl",
    ),
    payload("stop", **_OWN, session_id=CONVERSATION, cwd="/home/dev/shop", last_assistant_message="Done."),
    # A program that writes what Cursor does, but not its version.
    payload("stop", cursor_version=LEFT_OUT),
    payload("stop", conversation_id=LEFT_OUT),
    # The hook of one event run for another.
    payload("stop", hook_event_name="subagentStop"),
)
