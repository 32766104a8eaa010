"""Gemini CLI's hooks: what their payloads say, and how a session takes text in. Seen in 0.26.0, 0.44.0 and 0.61.0.

The place of its transcript distinguishes a payload from that of another program. What AfterAgent says of the turn
is not used: the transcript has it already, and there with the spaces that the model wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import HookAction, HookEvent, HookProtocol
from carryover.adapter.hooks import read_own, root_above, session_start_output, skipped, start_reason
from carryover.agents.gemini_cli import locate
from carryover.model import Skipped
from carryover.records import rawjson

_ROOTS: Final = ("tmp",)
_ACTIONS: Final[dict[str, HookAction]] = {
    "sessionstart": "session_start",
    "beforeagent": "prompt",
    "afteragent": "turn_end",
    "sessionend": "flush",
}


class Payload(msgspec.Struct, frozen=True):
    """What the client writes to the hook's stdin, as far as we rely on it."""

    session_id: str | None = None
    transcript_path: str | None = None
    cwd: str | None = None
    """The start folder."""
    hook_event_name: str | None = None
    source: str | None = None
    """SessionStart: why."""
    conversation_id: msgspec.Raw = rawjson.ABSENT
    cursor_version: msgspec.Raw = rawjson.ABSENT
    workspace_roots: msgspec.Raw = rawjson.ABSENT


_PAYLOAD: Final = msgspec.json.Decoder(Payload)


def _read(event: str, payload: bytes, _at_ms: int) -> HookEvent | Skipped:
    event = event.lower()
    own = read_own(_PAYLOAD, event, payload, _own_session)
    if isinstance(own, Skipped):
        return own
    given, session = own
    action = _ACTIONS.get(event, "hint")
    reason = start_reason(given.source) if action == "session_start" else None
    if action == "session_start" and reason is None:
        return skipped(event, "unknown start reason")
    return HookEvent(
        action=action,
        session=session,
        cwd=given.cwd,
        transcript=given.transcript_path,
        reason=reason,
    )


def _answer(text: str) -> bytes:
    # Anything that is not JSON would be shown to the user as a message of the hook (0.61.0). The event's name does
    # not matter; what a prompt gets is put right after its last letter (0.26.0).
    return msgspec.json.encode({"hookSpecificOutput": session_start_output(f"\n\n{text}")})


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of, _ROOTS)


def _own_session(given: Payload, event: str) -> str | None:
    """The session, where the payload is the client's own and of this event."""
    marks = (given.cursor_version, given.conversation_id, given.workspace_roots)
    if any(mark != rawjson.ABSENT for mark in marks) or (given.hook_event_name or "").lower() != event:
        return None
    in_place = given.transcript_path is not None and _layout_root(Path(given.transcript_path)) is not None
    return given.session_id if in_place else None


HOOKS: Final = HookProtocol(
    events=("SessionStart", "BeforeAgent", "AfterAgent", "SessionEnd"),
    read=_read,
    answer=_answer,
    layout_root=_layout_root,
    drops=frozenset(("clear",)),  # 0.26.0, 0.61.0
    forgets=True,  # and with `-p` the first prompt, which is in the same message (0.61.0)
)
