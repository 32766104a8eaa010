"""Stores hook calls of an agent without a readable transcript, one JSON line per call."""

from __future__ import annotations

from pathlib import Path

import msgspec

from carryover.records import rawjson

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")


class SpooledCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One hook call."""

    event: str
    """The event's name in the agent's own spelling."""
    at_ms: int
    """When it arrived, UTC milliseconds."""
    payload: msgspec.Raw
    """The payload as it came, on one line."""
    cwd: str | None = None
    """The folder that the hook ran in; None if unknown."""


def spool_line(event: str, payload: bytes, *, at_ms: int, cwd: str | None) -> bytes | None:
    """Returns the line for a call, including its line break; None if the payload is not JSON."""
    for data in (payload, rawjson.mend(payload)):
        try:
            msgspec.json.decode(data)
        except rawjson.UNREADABLE:
            continue
        # A line break in JSON is white space between its parts: inside a text it is escaped.
        raw = msgspec.Raw(data.translate(_LINE_BREAKS))
        return msgspec.json.encode(SpooledCall(event=event, at_ms=at_ms, payload=raw, cwd=_storable(cwd))) + b"\n"
    return None


def copy_beside(path: Path) -> Path:
    """Returns the path of the copy of the transcript that the calls in the spool file at `path` name."""
    return path.with_name(f"{path.stem}.transcript.jsonl")


def _storable(cwd: str | None) -> str | None:
    """Returns a folder if JSON can hold it: an absolute path in UTF-8."""
    try:
        return cwd if cwd is not None and cwd.startswith("/") and cwd.encode() else None
    except UnicodeEncodeError:
        return None
