"""Cascade's hooks: what their payloads contain. In no reported version does a hook's output reach the model.

From reports and the vendor's documentation (1.12.41 to 2.3.9), never seen by us. Devin Local, in the same program, runs
Claude Code's hooks instead, with other payloads.
"""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import HookEvent, HookProtocol
from carryover.adapter.hooks import read_own
from carryover.agents.windsurf import locate, wire
from carryover.model import Skipped

_TURN_ENDS: Final = (wire.RESPONSE, wire.TRANSCRIPT)


def _read(event: str, payload: bytes, at_ms: int) -> HookEvent | Skipped:  # noqa: ARG001
    event = event.lower()
    own = read_own(wire.PAYLOAD, event, payload, _own_session)
    if isinstance(own, Skipped):
        return own
    given, session = own
    return HookEvent(
        action="turn_end" if event in _TURN_ENDS else "hint",
        session=session,
        transcript=locate.transcript_of(given) if event == wire.TRANSCRIPT else None,
    )


def _own_session(given: wire.Payload, event: str) -> str | None:
    """Returns the conversation if the payload is Cascade's own and of this event."""
    session = given.trajectory_id or ""
    is_own = locate.ID.fullmatch(session) is not None and (given.agent_action_name or "").lower() == event
    return session if is_own else None


def _answer(text: str) -> bytes:
    return text.encode("utf-8", "replace")


HOOKS: Final = HookProtocol(
    events=(wire.PROMPT, wire.WRITE, wire.COMMAND, wire.RESPONSE, wire.TRANSCRIPT, wire.WORKTREE),
    read=_read,
    answer=_answer,
    layout_root=locate.layout_root,
)
