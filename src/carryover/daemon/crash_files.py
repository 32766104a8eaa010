"""Reads crash reports: `<state>/crashes/<utc>.txt`."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from carryover.fsio import read_beginning

REPORT_BYTES: Final = 64 * 1024
"""Maximum size of a report."""
SIGNAL: Final = "fatal-signal.log"
"""What the faulthandler wrote; empty unless a signal ended the daemon."""
REPORT_NAME: Final = "%Y%m%dT%H%M%S.%fZ"
"""Format of a report's file name, without its suffix."""
_WHAT: Final = re.compile(r"^what +(.*)$", re.MULTILINE)


class CrashReport(msgspec.Struct, frozen=True):
    """A report on disk: the time of the crash in UTC ms, and the type of error with its place, in one line."""

    path: str
    at_ms: int
    what: str


def crash_reports(folder: Path) -> tuple[CrashReport, ...]:
    """Returns the reports in `folder`, newest first. Reads only; unreadable ones are left out."""
    found = []
    left = folder / SIGNAL
    with suppress(OSError):
        if dump := beginning_of(left).strip():
            found.append(CrashReport(str(left), int(left.stat().st_mtime * 1000), dump.partition("\n")[0]))
    for path in report_files(folder):
        with suppress(OSError):
            if (what := _WHAT.search(beginning_of(path))) is not None:
                found.append(CrashReport(str(path), _named_ms(path), what[1]))
    return tuple(found)


def report_files(folder: Path) -> list[Path]:
    """Returns the paths of the reports in `folder`, newest first."""
    with suppress(OSError):
        return sorted((path for path in folder.iterdir() if _named_ms(path)), reverse=True)
    return []


def _named_ms(path: Path) -> int:
    with suppress(ValueError):
        return int(datetime.strptime(path.name, f"{REPORT_NAME}.txt").replace(tzinfo=UTC).timestamp() * 1000)
    return 0


def beginning_of(path: Path) -> str:
    """Returns the beginning of a report. Raises OSError."""
    return read_beginning(path, REPORT_BYTES).decode(errors="replace")
