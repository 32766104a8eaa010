"""Codex's hooks: what their payloads say, and how a session takes text in. Seen in 0.125.0, 0.150.0 and 0.169.0.

The place of its transcript distinguishes a payload from that of another program. Codex alone says `null` there: the
user asked that nothing of the session be written down (`--ephemeral`), so it is answered, and nothing of it is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import HookAction, HookEvent, HookProtocol
from carryover.adapter.hooks import (
    ACTIONS,
    provisional,
    read_own,
    root_above,
    session_start_output,
    skipped,
    start_reason,
)
from carryover.agents.codex import locate
from carryover.model import AssistantMessage, Event, Skipped
from carryover.records import rawjson

_ROOTS: Final = ("sessions", "archived_sessions")


class Payload(msgspec.Struct, frozen=True):
    """What the hook gets on stdin, as far as we rely on it. What is raw may change its shape, at its own cost."""

    session_id: str | None = None
    """The thread; inside a sub-agent and a review that of the thread which asked for it."""
    transcript_path: str | msgspec.UnsetType | None = msgspec.UNSET
    cwd: str | None = None
    """Of the turn: another one where a thread is resumed from another folder."""
    hook_event_name: str | None = None
    source: str | None = None
    """SessionStart: why. It comes with the first prompt, and again after each compaction."""
    last_assistant_message: msgspec.Raw = rawjson.ABSENT
    """Stop, which comes only after a turn that ended well: not at a limit, an error or an interrupt."""
    agent_id: str | None = None
    """Set inside a sub-agent."""
    cursor_version: msgspec.Raw = rawjson.ABSENT
    conversation_id: msgspec.Raw = rawjson.ABSENT
    workspace_roots: msgspec.Raw = rawjson.ABSENT


_PAYLOAD: Final = msgspec.json.Decoder(Payload)


def _read(event: str, payload: bytes, at_ms: int) -> HookEvent | Skipped:
    event = event.lower()
    own = read_own(_PAYLOAD, event, payload, _own_session)
    if isinstance(own, Skipped):
        return own
    given, session = own
    action = _action(event, given)
    reason = start_reason(given.source) if action == "session_start" else None
    if action == "session_start" and reason is None:
        return skipped(event, "unknown start reason")
    return HookEvent(
        action=action,
        session=session,
        cwd=given.cwd,
        transcript=given.transcript_path or None,
        reason=reason,
        provisional=_provisional(event, session, given, at_ms) if action == "turn_end" else (),
    )


def _answer(text: str) -> bytes:
    # Plain text would do, unless it begins with a bracket: then it is read as JSON, and the hook fails (0.169.0).
    return msgspec.json.encode({"hookSpecificOutput": session_start_output(text)})


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of, _ROOTS)


def _own_session(given: Payload, event: str) -> str | None:
    """The session, where the payload is Codex's own and of this event."""
    marks = (given.cursor_version, given.conversation_id, given.workspace_roots)
    if any(mark != rawjson.ABSENT for mark in marks) or (given.hook_event_name or "").lower() != event:
        return None
    path = given.transcript_path
    in_place = _layout_root(Path(path)) is not None if isinstance(path, str) else path is None
    return given.session_id if in_place else None


def _action(event: str, given: Payload) -> HookAction:
    # A sub-agent is given its task by its parent, and nothing that belongs to the session.
    action = ACTIONS.get(event, "hint") if given.agent_id is None else "hint"
    return action if action == "session_start" or given.transcript_path is not None else "hint"


def _provisional(event: str, session: str, given: Payload, at_ms: int) -> tuple[Event, ...]:
    text = (rawjson.string_of(given.last_assistant_message) or "").strip()
    return provisional(event, session, at_ms, AssistantMessage(text=text, final=True), given.cwd) if text else ()


HOOKS: Final = HookProtocol(
    events=("SessionStart", "PreCompact", "Stop", "SessionEnd"), read=_read, answer=_answer, layout_root=_layout_root
)
