"""Names, paths, times and fingerprints, as they are kept of a record: bounded, absolute, in UTC."""

from __future__ import annotations

import hashlib
import ntpath
import posixpath
import re
from datetime import UTC, datetime
from typing import Final

SUBJECT_CHARS: Final = 1000
MAX_NAME_CHARS: Final = 300
MAX_PATH_CHARS: Final = 4096
SHORT_CHARS: Final = 200
LATEST_MS: Final = 253_402_300_799_999
"""End of the year 9999 in UTC milliseconds: no record is later, whatever it says."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][\w-]{0,80}")
_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def bounded(text: str, limit: int) -> str:
    """The beginning of `text`, cut between words so that no half of a secret is left, which would not be recognised."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    kept = head.rsplit(maxsplit=1)[0] if len(head.split(maxsplit=1)) > 1 else ""
    return f"{kept} …" if kept else "…"


def utc_ms(timestamp: str | None) -> int:
    """UTC milliseconds of an ISO time, 0 if there is none. Without a zone it is UTC (2.0.65, 2.1.328 write `Z`)."""
    if not timestamp:
        return 0
    try:
        at = datetime.fromisoformat(timestamp)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0, round(at.timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def iso_utc(at_ms: int) -> str:
    """`2026-11-20T06:02:26Z`. Times no calendar holds are shown as the nearest one it does."""
    bounded_s = min(max(at_ms, 0), LATEST_MS) // 1000
    return datetime.fromtimestamp(bounded_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(data: str | bytes) -> str:
    """A short fingerprint, to compare texts by."""
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return hashlib.blake2b(raw, digest_size=12).hexdigest()


def is_absolute(path: str) -> bool:
    """Absolute on the machine that wrote the transcript, which need not be this one."""
    return path.startswith("/") or _WINDOWS.match(path) is not None


def resolved(path: str, cwd: str | None) -> str | None:
    """`path` as an absolute path, without `..`; None when it is relative to a folder that is unknown.

    Of a Windows machine (Codex 0.48 to 0.87) with backslashes, since one session names a file in both ways.
    """
    if _WINDOWS.match(path):
        return ntpath.normpath(path)
    if not path.startswith("/"):
        if cwd is not None and _WINDOWS.match(cwd):
            return ntpath.normpath(ntpath.join(cwd, path))
        if cwd is None or not cwd.startswith("/"):
            return None
        path = posixpath.join(cwd, path)
    return posixpath.normpath(path)


def session_of_copy(name: str, head: bytes) -> str | None:
    """The session of a copied transcript that is known by its file's name; None for a name that is unfit for an id.

    `name` is without suffix, `head` how the file begins. A name that was not made for one session gets a mark of the
    first line, for other files may have the name too.
    """
    if _UUID.fullmatch(name):
        return name
    mark = digest(head.partition(b"\n")[0])[:12]
    return f"{name}-{mark}" if _FILE_NAME.fullmatch(name) else None
