"""Copilot's hooks: what their payloads contain, and how text is put into a session.

Seen in 1.0.48 and 1.0.102. The terminal client writes `sessionId` and doesn't name the event. The chat in VS Code,
which runs the same hooks file, also writes `hookEventName` (reported). Payloads with `session_id` belong to other
programs, or to hooks registered under other programs' event names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import HookAction, HookEvent, HookProtocol, StartReason
from carryover.adapter.hooks import ACTIONS, provisional, read_own, root_above, session_start_output, skipped
from carryover.agents.copilot import locate
from carryover.model import Skipped, UserPrompt
from carryover.records import rawjson

_ACTIONS: Final[dict[str, HookAction]] = {**ACTIONS, "userpromptsubmitted": "prompt", "agentstop": "turn_end"}
_REASONS: Final[dict[str, StartReason]] = {"new": "startup", "startup": "startup", "clear": "clear", "resume": "resume"}
_EDITOR_NAMES: Final = {"userpromptsubmit": "userpromptsubmitted", "stop": "agentstop"}
"""VS Code's names of events that have another name in the terminal, in lower case."""


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    """The fields we rely on of the hook's payload on stdin. Raw fields may change shape without harm to the rest."""

    session_id: str | None = None
    """Id of the session; in a sub-agent's own hooks, the sub-agent's id."""
    cwd: str | None = None
    transcript_path: str | None = None
    """Missing when a session starts or ends, and at a prompt."""
    editor_transcript_path: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name="transcript_path")
    hook_event_name: str | None = None
    source: str | None = None
    """With sessionStart: the reason. The event comes with the first prompt of a process."""
    prompt: msgspec.Raw = rawjson.ABSENT
    agent_id: str | None = None
    """Set inside a sub-agent."""


_PAYLOAD: Final = msgspec.json.Decoder(Payload)


def _read(event: str, payload: bytes, at_ms: int) -> HookEvent | Skipped:
    event = event.lower()
    own = read_own(_PAYLOAD, event, payload, _own_session)
    if isinstance(own, Skipped):
        return own
    given, session = own
    transcript = given.transcript_path or rawjson.string_of(given.editor_transcript_path)
    if transcript is not None and _layout_root(Path(transcript)) is None:
        if given.hook_event_name is None:
            return skipped(event, "another agent's payload")
        transcript = None
    action = _ACTIONS.get(event, "hint") if given.agent_id is None else "hint"
    reason = _REASONS.get(given.source or "") if action == "session_start" else None
    if action == "session_start" and reason is None:
        return skipped(event, "unknown start reason")
    # The terminal client logs the prompt only after its hooks have answered.
    prompt = (rawjson.string_of(given.prompt) or "").strip() if given.hook_event_name is None else ""
    early = action == "prompt" and prompt
    return HookEvent(
        action=action,
        session=session,
        cwd=given.cwd,
        transcript=transcript,
        reason=reason,
        provisional=provisional(event, session, at_ms, UserPrompt(text=prompt), given.cwd) if early else (),
    )


def _own_session(given: Payload, event: str) -> str | None:
    """Returns the session if the payload is Copilot's own and not of another event."""
    name = (given.hook_event_name or event).lower()
    return given.session_id if _EDITOR_NAMES.get(name, name) == event else None


def _answer(text: str) -> bytes:
    # One object in both forms: the terminal client takes the first (1.0.102), the chat in VS Code the second.
    output = session_start_output(text)
    return msgspec.json.encode({"additionalContext": output["additionalContext"], "hookSpecificOutput": output})


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of)


HOOKS: Final = HookProtocol(
    events=("sessionStart", "userPromptSubmitted", "preCompact", "agentStop", "sessionEnd"),
    read=_read,
    answer=_answer,
    layout_root=_layout_root,
    forgets=True,
    lost=lambda context: context.log.compacted_ms,
)
