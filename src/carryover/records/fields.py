"""Normalises names, paths, times and fingerprints before they are stored: bounded, absolute, in UTC."""

from __future__ import annotations

import ntpath
import posixpath
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from carryover.model import Op
from carryover.text.pattern import later

SUBJECT_CHARS: Final = 1000
MAX_NAME_CHARS: Final = 300
MAX_PATH_CHARS: Final = 4096
SHORT_CHARS: Final = 200
LATEST_MS: Final = 253_402_300_799_999
"""End of the year 9999 in UTC milliseconds, the latest time that a record can have."""
LATEST_CLOCK_MS: Final = 4_102_444_800_000
"""The year 2100 in UTC milliseconds: no clock is that far ahead, so what says so is not a time."""

_END_CHARS: Final = 300
_NEXT_STEP: Final = later(r"[\"')\]}]{0,4}[ \t]*&&[ \t]|\n[A-Z_]{2,16}\n")
"""The end of a script on the command line or in a here-document, after which the command goes on."""
_UUID: Final = later(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FILE_NAME: Final = later(r"[A-Za-z0-9][\w-]{0,80}")
_HOME: Final = later(r"(?:[A-Za-z]:)?/(?:root|(?:home|Users)/[^/]+)(?=/)")
_WINDOWS: Final = later(r"[A-Za-z]:[\\/]|\\\\")


def bounded(text: str, limit: int) -> str:
    """Returns at most `limit` characters of `text`, cut between words, since half a secret would not be recognised
    as one."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    kept = head.rsplit(maxsplit=1)[0] if len(head.split(maxsplit=1)) > 1 else ""
    return f"{kept} …" if kept else "…"


def subject_of(op: Op, text: str) -> str:
    """Returns what a call is about, bounded. A long command keeps its last steps too, which may run tests after a long
    script. They begin at the start of a step, so no secret is kept without the word before it that gives it away."""
    ends = len(text) > SUBJECT_CHARS and op == "shell"
    step = _NEXT_STEP.search(text, len(text) - _END_CHARS) if ends else None
    end = text[step.start() :] if step is not None else ""
    return f"{bounded(text[: len(text) - len(end)], SUBJECT_CHARS - len(end))}{end}"


def utc_ms(timestamp: str | None) -> int:
    """Parses an ISO time to UTC milliseconds, 0 if there is none. A time without a zone is taken as UTC (Claude
    Code 2.0.65 and 2.1.328 write `Z`)."""
    try:
        at = datetime.fromisoformat(timestamp or "")
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0, round(at.timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def local_ms(timestamp: str) -> int:
    """Converts an ISO time, local to this machine if it has no zone, to UTC milliseconds; 0 for an invalid one."""
    try:
        return max(0, round(datetime.fromisoformat(timestamp).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0


def iso_utc(at_ms: int) -> str:
    """Formats UTC milliseconds as `2026-11-20T06:02:26Z`. Times out of range become the nearest valid one."""
    bounded_s = min(max(at_ms, 0), LATEST_MS) // 1000
    return datetime.fromtimestamp(bounded_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(data: str | bytes) -> str:
    """Returns a short fingerprint, for comparing texts."""
    import hashlib  # not at the top: a command that only prints compares nothing

    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return hashlib.blake2b(raw, digest_size=12).hexdigest()


def is_absolute(path: str) -> bool:
    """Whether a path is absolute on the machine that wrote the transcript, which need not be this one."""
    return path.startswith("/") or _WINDOWS.match(path) is not None


@lru_cache(maxsize=256)  # nearly every record names its folder, several times
def is_fit(path: str) -> bool:
    """Whether a path can be stored as that of a folder: absolute, possible, not absurdly long, and the same folder for
    all: links in /proc lead each process elsewhere, to its own folder or to what it has open."""
    if not is_absolute(path) or "\0" in path or len(path) > MAX_PATH_CHARS:
        return False
    names = posixpath.normpath(path).lstrip("/").split("/", 2)
    return names[0] != "proc" and names[:2] != ["dev", "fd"]


def from_home(path: str, cwd: str | None) -> str:
    """Returns a path that begins with `~/` as an absolute one if `cwd` shows where that home folder is; others as they
    are."""
    home = _HOME.match(f"{cwd}/".replace("\\", "/")) if cwd and path.startswith("~/") else None
    return f"{home[0]}/{path[2:]}" if home else path


def resolved(path: str, cwd: str | None) -> str | None:
    """Returns `path` as an absolute path without `..`; None if it is relative and its folder is unknown. Windows paths
    get backslashes, since one session may write a file's path in both ways (Codex 0.48 to 0.87)."""
    path = from_home(path, cwd)
    base = path if is_absolute(path) else cwd or ""
    if _WINDOWS.match(base):
        return ntpath.normpath(ntpath.join(base, path))
    return posixpath.normpath(posixpath.join(base, path)) if base.startswith("/") else None


def with_drive(path: str) -> str:
    """Returns a path with its drive of Windows as a capital letter, to compare it: one session may write it either way
    (Codex 0.142)."""
    return f"{path[0].upper()}{path[1:]}" if _WINDOWS.match(path) else path


def is_below(path: str, place: str) -> bool:
    """Whether an absolute path is the place or below it; `~/` begins a place in whoever's home folder."""
    plain = path.replace("\\", "/")
    home = _HOME.match(plain) if place.startswith("~/") else None
    plain = f"~{plain[home.end() :]}" if home else plain
    folder = place.replace("\\", "/").rstrip("/")
    return f"{plain}/".startswith(f"{folder}/")


def folder_holding(path: str, folders: Iterable[str]) -> str | None:
    """Returns the nearest of the folders that holds an absolute path, or is it; None if none does."""
    holding = [folder for folder in folders if f"{path}/".startswith(f"{folder.rstrip('/')}/")]
    return max(holding, key=len, default=None)


def stated_folder(pattern: re.Pattern[str], text: str) -> str | None:
    """Returns the folder that the client states among what a project's files or programs may have written: what
    `pattern` has in its group; None if that is not the same everywhere in `text`, since anyone can state another."""
    folders = {match[1] for match in pattern.finditer(text)}
    return folders.pop() if len(folders) == 1 else None


def path_in_project(path: str, *roots: str | None) -> str:
    """Returns the path relative to the first of `roots` that contains it; unchanged if none does.

    >>> path_in_project("/srv/shop//cart.py", None, "/srv/shop"), path_in_project("/srv/shop/", "/srv/shop")
    ('cart.py', '.')
    >>> path_in_project("/srv/", "/"), path_in_project("", "/")
    ('srv', '')
    """
    for root in filter(None, roots):
        top = root.rstrip("/")
        if path and f"{path}/".startswith(f"{top}/"):
            return path[len(top) :].strip("/") or "."
    return path


def session_of_copy(name: str, head: bytes) -> str | None:
    """Returns the session id of a copied transcript from its file `name`, without suffix; None if that can't be an id.

    For a name that is not a UUID, a fingerprint of the first line in `head` is added, since other files may have that
    name.
    """
    if _UUID.fullmatch(name):
        return name
    mark = digest(head.partition(b"\n")[0])[:12]
    return f"{name}-{mark}" if _FILE_NAME.fullmatch(name) else None
