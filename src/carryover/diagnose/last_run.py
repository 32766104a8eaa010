"""Finds in the daemon's log whether its last run ended in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from carryover.daemon.crashes import CrashReport
from carryover.daemon.log_file import LogLine, parse_line
from carryover.diagnose.report import UnfinishedRun

_START: Final = "started"
_ENDS: Final = ("closed", "crashed", "stopped_by_force")


def unfinished_run(
    lines: Sequence[str], crashes: Iterable[CrashReport], *, running_pid: int | None
) -> UnfinishedRun | None:
    """The last run that is over, if the log has no end of it; None also if a crash report explains that.

    `running_pid`: the daemon that runs now. Knows nothing of runs that logged no start (`--log-level warning`).
    """
    found = _starts_and_ends(lines)
    over = len(lines)
    if running_pid is not None:
        over, now = next(((n, line) for n, line in reversed(found) if line.event == _START), (0, None))
        if now is None or now.fields.get("pid") != running_pid:
            return None
    before = [(n, line) for n, line in found if n < over]
    if not before or before[-1][1].event != _START:
        return None
    began, start = before[-1]
    times = (line.at_ms for line in map(parse_line, reversed(lines[began:over])) if line is not None)
    run = UnfinishedRun(start.at_ms, next(times, start.at_ms))
    return None if any(crash.at_ms >= run.started_ms for crash in crashes) else run


def _starts_and_ends(lines: Sequence[str]) -> list[tuple[int, LogLine]]:
    """These lines with their numbers. Only they are parsed: a log has tens of thousands of others."""
    wanted = {_START, *_ENDS}
    found = ((n, parse_line(line)) for n, line in enumerate(lines) if not wanted.isdisjoint(line.split(" ", 3)[2:3]))
    return [(n, line) for n, line in found if line is not None]
