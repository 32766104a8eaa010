"""Copilot's hooks: what their payloads say, and how a session takes text in.

The terminal client writes `sessionId` without an event's name (1.0.102), the chat in VS Code `sessionId` with
`hookEventName` (read about). Payloads in snake case are those of hooks under other programs' names for events.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import HookAction, HookEvent, HookProtocol, StartReason
from carryover.adapter.hooks import root_above, skipped
from carryover.agents.copilot import locate
from carryover.model import Skipped
from carryover.records import rawjson

_ACTIONS: Final[dict[str, HookAction]] = {
    "sessionstart": "session_start",
    "precompact": "flush",
    "sessionend": "flush",
    "agentstop": "turn_end",
}
_REASONS: Final[dict[str, StartReason]] = {"new": "startup", "startup": "startup", "clear": "clear", "resume": "resume"}


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    """What stands on the hook's stdin, as far as we rely on it. What is raw may change its shape, at its own cost."""

    session_id: str | None = None
    cwd: str | None = None
    transcript_path: str | None = None
    source: str | None = None
    agent_id: str | None = None
    """Set inside a sub-agent."""


_PAYLOAD: Final = msgspec.json.Decoder(Payload)


def _read(event: str, payload: bytes, at_ms: int) -> HookEvent | Skipped:
    event = event.lower()
    given = rawjson.read(_PAYLOAD, payload)
    if isinstance(given, str):
        return skipped(event, given)
    if not given.session_id:
        return skipped(event, "another agent's payload")
    action = _ACTIONS.get(event, "hint") if given.agent_id is None else "hint"
    reason = _REASONS.get(given.source or "") if action == "session_start" else None
    if action == "session_start" and reason is None:
        return skipped(event, "unknown start reason")
    return HookEvent(
        action=action, session=given.session_id, cwd=given.cwd, transcript=given.transcript_path, reason=reason
    )


def _answer(text: str) -> bytes:
    # One object in both forms: the terminal client takes the first (1.0.102), the chat in VS Code the second.
    text = text.encode("utf-8", "replace").decode()
    output = {"hookEventName": "SessionStart", "additionalContext": text}
    return msgspec.json.encode({"additionalContext": text, "hookSpecificOutput": output})


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of)


HOOKS: Final = HookProtocol(
    events=("sessionStart", "userPromptSubmitted", "preCompact", "agentStop", "sessionEnd"),
    read=_read,
    answer=_answer,
    layout_root=_layout_root,
)
