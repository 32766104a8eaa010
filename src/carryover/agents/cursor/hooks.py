"""The hooks of Cursor's editor and `cursor-agent`: what their payloads contain, and how text is put into a session.

From reports and the vendor's documentation (editor 3.12.17, `cursor-agent` 2026.07.17 and 2026.09.10), never seen by
us. Only the fields named here are read, since payloads also hold the user's mail address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import HookEvent, HookProtocol
from carryover.adapter.hooks import ACTIONS, provisional, read_own, root_above, skipped
from carryover.agents.cursor import locate
from carryover.model import Skipped, TurnEnd
from carryover.records import rawjson


class Payload(msgspec.Struct, frozen=True):
    """The fields we rely on of the hook's payload on stdin. Raw fields may change shape without making the rest
    unreadable.

    There is no working folder: the user's own hooks run in `~/.cursor`, so the workspace identifies the project.
    """

    conversation_id: str | None = None
    session_id: str | None = None
    """The conversation's id in the events that begin and end a session."""
    hook_event_name: str | None = None
    cursor_version: str | None = None
    workspace_roots: msgspec.Raw = rawjson.ABSENT
    """Folders; none in an empty window."""
    transcript_path: msgspec.Raw = rawjson.ABSENT
    """Null at least when a session of `cursor-agent` starts."""
    is_background_agent: msgspec.Raw = rawjson.ABSENT
    """With sessionStart: it runs without a person."""
    status: msgspec.Raw = rawjson.ABSENT
    """With stop: `completed`, `aborted` or `error`."""


_PAYLOAD: Final = msgspec.json.Decoder(Payload)
_ENDS: Final[dict[str, Literal["interrupted", "error"]]] = {"aborted": "interrupted", "error": "error"}


def _read(event: str, payload: bytes, at_ms: int) -> HookEvent | Skipped:
    event = event.lower()
    own = read_own(_PAYLOAD, event, payload, _own_session)
    if isinstance(own, Skipped):
        return own
    given, session = own
    folder = next(iter(rawjson.part_of(given.workspace_roots, list[str]) or ()), None)
    if folder is not None and not folder.startswith("/"):
        return skipped(event, "a workspace that is no folder of this system")
    action = ACTIONS.get(event, "hint")
    if action == "session_start" and rawjson.part_of(given.is_background_agent, bool):
        action = "hint"  # it has its task already, and works on a copy of the project
    path = rawjson.string_of(given.transcript_path)
    end = _ENDS.get(rawjson.string_of(given.status) or "") if action == "turn_end" else None
    return HookEvent(
        action=action,
        session=session,
        cwd=folder,
        # In a known place only: the session is known without it.
        transcript=path if path and _layout_root(Path(path)) is not None else None,
        reason="startup" if action == "session_start" else None,
        provisional=provisional(event, session, at_ms, TurnEnd(reason=end), folder) if end is not None else (),
    )


def _own_session(given: Payload, event: str) -> str | None:
    """Returns the conversation if the payload is Cursor's own and of this event."""
    is_own = bool(given.cursor_version) and (given.hook_event_name or "").lower() == event
    return given.conversation_id or given.session_id if is_own else None


def _answer(text: str) -> bytes:
    return msgspec.json.encode({"additional_context": text.encode("utf-8", "replace").decode()})


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of)


HOOKS: Final = HookProtocol(
    events=("sessionStart", "stop", "sessionEnd"), read=_read, answer=_answer, layout_root=_layout_root
)
