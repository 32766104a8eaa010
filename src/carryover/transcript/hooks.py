"""Hook helpers that several agents share.

`common_hooks` reads the payloads of agents that adopted Claude Code's format; other agents read their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from carryover.adapter.contract import HookAction, HookEvent, HookProtocol, StartReason
from carryover.adapter.layouts import Layout, source_at
from carryover.model import Skipped
from carryover.records import rawjson
from carryover.records.fields import MAX_PATH_CHARS
from carryover.records.lenient import Fields, text_of
from carryover.records.text import READS_PAGE

ACTIONS: Final[dict[str, HookAction]] = {
    "sessionstart": "session_start",
    "precompact": "flush",
    "sessionend": "flush",
    "stop": "turn_end",
    "stopfailure": "turn_end",
}
"""Actions by event in lower case. Every other event is a `hint`."""

MOST_LEVELS: Final = 8
"""No agent has transcripts that far below their root."""
_LONGEST_IDLE_S: Final = 10 * 365 * 86_400
_PAYLOAD: Final = msgspec.json.Decoder(Fields)
_REASONS: Final[dict[str, StartReason]] = {reason: reason for reason in get_args(StartReason)}


def own_hooks(
    session_of: Callable[[Fields, str], str | None], read: Callable[[str, Fields, str], HookEvent | Skipped]
) -> Callable[[str, bytes], HookEvent | Skipped]:
    """Returns what reads an agent's payloads (`HookProtocol.read`); Skipped for one that can't be decoded or belongs to
    another program.

    `session_of` gets the payload and the event in lower case, and returns None if the payload is not this agent's or
    has another event, and an empty text if it is but has no session's id in the form that is known. `read` gets the
    event, the payload and its session.
    """

    def read_own(event: str, payload: bytes) -> HookEvent | Skipped:
        event = event.lower()
        given = rawjson.read(_PAYLOAD, payload)
        if isinstance(given, str):
            return skipped_hook(event, given)
        session = session_of(given, event)
        if not session:
            return skipped_hook(event, "another agent's payload" if session is None else "no id of a session")
        return read(event, given, session)

    return read_own


def skipped_hook(event: str, reason: str) -> Skipped:
    """Describes a payload that was not understood or is another program's. `reason` must not quote it."""
    return rawjson.skipped(f"hook/{event}", reason, None)


def plain_answer(text: str) -> bytes:
    """Returns a text as the whole output of a hook."""
    return text.encode("utf-8", "replace")


def session_start_output(text: str) -> dict[str, str]:
    """Returns `hookSpecificOutput`, the form in which several agents accept text when a session starts."""
    return {"hookEventName": "SessionStart", "additionalContext": plain_answer(text).decode()}


def session_start_answer(text: str) -> bytes:
    """Returns that form as the whole output of a hook."""
    return msgspec.json.encode({"hookSpecificOutput": session_start_output(text)})


def root_above(transcript: Path, layouts: Sequence[Layout], names: Collection[str] = ()) -> Path | None:
    """Returns the nearest folder above a transcript below which it has one of the layouts; None if there is none.

    `names`: the names such a folder may have; empty for any. A stranger's call may name a path of a hundred thousand
    folders, and the daemon does nothing else meanwhile: only the nearest `MOST_LEVELS` of a possible path are tried.
    """
    near = islice(transcript.parents, MOST_LEVELS) if len(str(transcript)) <= MAX_PATH_CHARS else ()
    above = (folder for folder in near if folder.is_absolute() and (not names or folder.name in names))
    return next((root for root in above if source_at("", layouts, transcript, root) is not None), None)


_OTHERS: Final = ("cursor_version", "conversation_id", "workspace_roots")
"""Fields in payloads of a program that runs other agents' hooks."""


def common_hooks(
    layout_root: Callable[[Path], Path | None],
    *,
    answer: Callable[[str], bytes],
    actions: Mapping[str, HookAction] = ACTIONS,
    cwd_moves: bool = False,
    may_be_unwritten: bool = False,
    forgets: Literal["exit"] | None = None,
    reads_page: str = READS_PAGE,
) -> HookProtocol:
    """Returns the protocol for hooks whose payloads are like Claude Code's. The transcript's location shows whether a
    payload is the agent's own or another program's.

    `actions`: by event in lower case; every other event is a `hint`. `may_be_unwritten`: whether a session without a
    transcript is the agent's too: it gets an answer, and nothing of it is stored. `cwd_moves`: see `HookEvent`; all
    else: see `HookProtocol`.
    """

    def own_session(given: Fields, event: str) -> str | None:
        is_others = any(given.get(name, rawjson.ABSENT) != rawjson.ABSENT for name in _OTHERS)
        if is_others or text_of(given.get("hook_event_name")).lower() != event:
            return None
        raw = given.get("transcript_path")
        path = rawjson.string_of(raw)
        if path is None:
            is_own = may_be_unwritten and raw == rawjson.ABSENT
        else:
            is_own = layout_root(Path(path)) is not None
        return text_of(given.get("session_id")) if is_own else None

    def read(event: str, given: Fields, session: str) -> HookEvent | Skipped:
        # A sub-agent's payload has its parent's session. The parent gives it its task, so it gets no handoff.
        action = actions.get(event, "hint") if given.get("agent_id", rawjson.ABSENT) == rawjson.ABSENT else "hint"
        transcript = text_of(given.get("transcript_path")) or None
        if transcript is None and action != "session_start":
            action = "hint"
        reason = _REASONS.get(text_of(given.get("source"))) if action == "session_start" else None
        if action == "session_start" and reason is None:
            return skipped_hook(event, "unknown start reason")
        idle_s = rawjson.part_of(given.get("seconds_since_last_response"), float)
        is_idle = reason in ("resume", "fork") and idle_s is not None and 0 <= idle_s <= _LONGEST_IDLE_S
        return HookEvent(
            action=action,
            session=session,
            cwd=rawjson.string_of(given.get("cwd")),
            cwd_moves=cwd_moves,
            transcript=transcript,
            reason=reason,
            idle_s=idle_s if is_idle else None,
        )

    return HookProtocol(
        read=own_hooks(own_session, read),
        answer=answer,
        layout_root=layout_root,
        forgets=forgets,
        reads_page=reads_page,
    )
