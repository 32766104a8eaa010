"""What the hooks of several agents have in common. The payloads themselves are each agent's own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from carryover.adapter.contract import HookAction, Source, StartReason
from carryover.model import AnyBody, Event, Skipped
from carryover.records import rawjson

P = TypeVar("P", bound=msgspec.Struct)

ACTIONS: Final[dict[str, HookAction]] = {
    "sessionstart": "session_start",
    "precompact": "flush",
    "sessionend": "flush",
    "stop": "turn_end",
}
"""By event in lower case. Every other event is a `hint`."""

_REASONS: Final[dict[str, StartReason]] = {
    "startup": "startup",
    "clear": "clear",
    "compact": "compact",
    "resume": "resume",
    "fork": "fork",
}


def start_reason(source: str | None) -> StartReason | None:
    """Returns why a session starts, as the payload's `source` says; None for a word that no known version uses."""
    return _REASONS.get(source or "")


def read_own(
    decoder: msgspec.json.Decoder[P], event: str, payload: bytes, session_of: Callable[[P, str], str | None]
) -> tuple[P, str] | Skipped:
    """Returns a payload and its session; Skipped where it cannot be read, or is another program's.

    `session_of` gets the payload and the event, and returns None where the payload is not this agent's or has another
    event.
    """
    given = rawjson.read(decoder, payload)
    if isinstance(given, str):
        return skipped(event, given)
    session = session_of(given, event)
    return (given, session) if session else skipped(event, "another agent's payload")


def skipped(event: str, reason: str) -> Skipped:
    """A payload that is not this agent's or was not understood. `reason` quotes nothing of it."""
    return rawjson.skipped(f"hook/{event}", reason, None)


def session_start_output(text: str) -> dict[str, str]:
    """`hookSpecificOutput`, the form in which several agents take text into a session that starts."""
    return {"hookEventName": "SessionStart", "additionalContext": text.encode("utf-8", "replace").decode()}


def provisional(event: str, session: str, at_ms: int, body: AnyBody, cwd: str | None) -> tuple[Event, ...]:
    """The event that a hook reports before the transcript has it, under a separate key."""
    return (Event(key=f"hook/{session}/{event}/{at_ms}", session=session, at_ms=at_ms, body=body, cwd=cwd),)


def root_above(
    transcript: Path, source_of: Callable[[Path, Path], Source | None], names: Collection[str] = ()
) -> Path | None:
    """Returns the nearest folder above a transcript below which it is a source; None where there is none.

    `names`: what such a folder is called; empty for any name.
    """
    above = (folder for folder in transcript.parents if folder.is_absolute() and (not names or folder.name in names))
    return next((root for root in above if source_of(transcript, root) is not None), None)
