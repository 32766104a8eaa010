"""Claude Code's hooks: what its payloads say, and how a session takes text in. Seen in 2.1.328 unless said otherwise.

Other programs run the hooks of `~/.claude/settings.json` too and send payloads of their own: Cursor (`cursor_version`,
`conversation_id`, `workspace_roots`), VS Code and Copilot (`sessionId`, no transcript of this layout), Devin (no
`transcript_path` at all). Such a session has its own record elsewhere, so it is recognised here and not counted twice.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import HookEvent, HookProtocol
from carryover.adapter.hooks import ACTIONS, provisional, read_own, root_above, skipped, start_reason
from carryover.agents.claude_code import locate
from carryover.agents.claude_code.parse import NO_ANSWER
from carryover.model import AssistantMessage, Event, Skipped, TurnEnd
from carryover.records import rawjson
from carryover.records.resets import failed_turn

_ACTIONS: Final = ACTIONS | {"stopfailure": "turn_end"}
_LONGEST_IDLE_S: Final = 10 * 365 * 86_400


class Payload(msgspec.Struct, frozen=True):
    """What the hook gets on stdin, as far as we rely on it. What is raw may change its shape and costs only itself.

    Payloads inside a sub-agent carry its parent's session and transcript.
    """

    session_id: str | None = None
    transcript_path: str | None = None
    cwd: str | None = None
    """The folder the session is in now, which `cd` moves; not the one it was started in."""
    hook_event_name: str | None = None
    """Since 1.0.41."""
    source: str | None = None
    """SessionStart: why."""
    seconds_since_last_response: msgspec.Raw = rawjson.ABSENT
    """SessionStart of `resume` and `fork`: a number."""
    last_assistant_message: msgspec.Raw = rawjson.ABSENT
    """Stop (since 2.1.47) and StopFailure: 40 to 75 ms before the transcript has it."""
    error: msgspec.Raw = rawjson.ABSENT
    """StopFailure: `rate_limit`, `authentication_failed`, ..."""
    agent_id: str | None = None
    """Set inside a sub-agent (since 2.1.69)."""
    cursor_version: msgspec.Raw = rawjson.ABSENT
    conversation_id: msgspec.Raw = rawjson.ABSENT
    workspace_roots: msgspec.Raw = rawjson.ABSENT


_PAYLOAD: Final = msgspec.json.Decoder(Payload)
_NUMBER: Final = msgspec.json.Decoder(float)


def _read(event: str, payload: bytes, at_ms: int) -> HookEvent | Skipped:
    event = event.lower()
    own = read_own(_PAYLOAD, event, payload, _own_session)
    if isinstance(own, Skipped):
        return own
    given, session = own
    # A sub-agent is given its task by its parent, and nothing that belongs to the session.
    action = _ACTIONS.get(event, "hint") if given.agent_id is None else "hint"
    reason = start_reason(given.source) if action == "session_start" else None
    if action == "session_start" and reason is None:
        return skipped(event, "unknown start reason")
    return HookEvent(
        action=action,
        session=session,
        cwd=given.cwd,
        cwd_moves=True,
        transcript=given.transcript_path,
        reason=reason,
        idle_s=_idle_s(given) if reason in ("resume", "fork") else None,
        provisional=_provisional(event, session, given, at_ms) if action == "turn_end" else (),
    )


def _answer(text: str) -> bytes:
    # Plain text on stdout is what SessionStart takes in, in every version that has it (1.0.62 and later).
    return text.encode("utf-8", "replace")


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of, ("projects",))


def _own_session(given: Payload, event: str) -> str | None:
    """The session, where the payload is Claude Code's own and of this event."""
    marks = (given.cursor_version, given.conversation_id, given.workspace_roots)
    if not given.session_id or given.transcript_path is None or any(mark != rawjson.ABSENT for mark in marks):
        return None
    if given.hook_event_name is not None and given.hook_event_name.lower() != event:
        return None
    return given.session_id if _layout_root(Path(given.transcript_path)) is not None else None


def _idle_s(given: Payload) -> float | None:
    try:
        idle_s = _NUMBER.decode(given.seconds_since_last_response)
    except rawjson.UNREADABLE:
        return None
    return idle_s if math.isfinite(idle_s) and 0 <= idle_s <= _LONGEST_IDLE_S else None


def _provisional(event: str, session: str, given: Payload, at_ms: int) -> tuple[Event, ...]:
    text = (rawjson.string_of(given.last_assistant_message) or "").strip()
    if text in NO_ANSWER:
        return ()
    if event == "stopfailure":
        limited = rawjson.string_of(given.error) == "rate_limit"
        body: AssistantMessage | TurnEnd = failed_turn(text, at_ms, limited=limited)
    else:
        body = AssistantMessage(text=text, final=True)
    return provisional(event, session, at_ms, body, given.cwd)


HOOKS: Final = HookProtocol(
    events=("SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd"),
    read=_read,
    answer=_answer,
    layout_root=_layout_root,
)
