"""Defines AGENT: how Cascade's conversations are found, read and parsed, and its hooks understood.

In no reported version does a hook's output reach the model. What payloads contain is from reports and the vendor's
documentation (1.12.41 to 2.3.9), never seen by us. Devin Local, in the same program, runs Claude Code's hooks instead,
with other payloads.
"""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, HookEvent, HookProtocol, Reader
from carryover.adapter.hooks import plain_answer, read_own
from carryover.adapter.lazily import lazily
from carryover.agents.windsurf import locate, wire
from carryover.agents.windsurf.spec import SPEC
from carryover.agents.windsurf.wire import Context
from carryover.model import Skipped
from carryover.readers.by_kind import ReaderByKind


def _readers() -> dict[locate.Kind, Reader]:
    from carryover.agents.windsurf.conversation import spool_reader, transcript_reader

    return {"spool": spool_reader(), "transcript": transcript_reader()}


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


HOOKS: Final = HookProtocol(
    events=(wire.PROMPT, wire.WRITE, wire.COMMAND, wire.RESPONSE, wire.TRANSCRIPT, wire.WORKTREE),
    read=_read,
    answer=plain_answer,
    layout_root=locate.layout_root,
)

AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_to_read, _readers),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.windsurf.parse", "parse_record"),
    hooks=HOOKS,
    exported=locate.exported,
)
