"""Cascade's hooks: what their payloads say. Nothing that a hook prints reaches the model, in any version reported.

From reports and the vendor's pages (1.12.41 to 2.3.9), never seen by us. Devin Local, in the same program, runs Claude
Code's hooks instead, with other payloads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.contract import HookEvent, HookProtocol
from carryover.adapter.hooks import read_own, root_above
from carryover.agents.windsurf import locate, wire
from carryover.agents.windsurf.spec import SPEC
from carryover.model import Skipped
from carryover.records.lenient import fields_of, text_of

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
        transcript=transcript_of(given) if event == wire.TRANSCRIPT else None,
    )


def _own_session(given: wire.Payload, event: str) -> str | None:
    """The conversation, where the payload is Cascade's own and of this event."""
    session = given.trajectory_id or ""
    is_own = locate.ID.fullmatch(session) is not None and (given.agent_action_name or "").lower() == event
    return session if is_own else None


def _answer(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of, (locate.TRANSCRIPTS, SPEC.id))


def transcript_of(given: wire.Payload) -> str | None:
    """The transcript that a payload names, if it is in a known place and belongs to the conversation."""
    info = fields_of(given.tool_info)
    path = text_of(info.get("transcript_path"))
    is_known = path.startswith("/") and Path(path).stem == given.trajectory_id
    return path if is_known and _layout_root(Path(path)) is not None else None


HOOKS: Final = HookProtocol(
    events=(wire.PROMPT, wire.WRITE, wire.COMMAND, wire.RESPONSE, wire.TRANSCRIPT, wire.WORKTREE),
    read=_read,
    answer=_answer,
    layout_root=_layout_root,
)
