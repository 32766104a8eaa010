"""Checks of earlier runs of the daemon: crash reports, and runs whose end was not logged."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from carryover.daemon.crashes import CrashReport
from carryover.daemon.log_file import LogLine, parse_line
from carryover.diagnose.report import Finding, Inspection, Report, UnfinishedRun
from carryover.ingest.scan import MS_PER_DAY

RECENT_DAYS: Final = 7
_START: Final = "started"
_ENDS: Final = ("closed", "crashed", "stopped_by_force")


def crashed(report: Report, inspection: Inspection) -> Iterator[Finding]:
    """Reports the newest crash report: as wrong for a week, then as a note."""
    if not inspection.crashes:
        return
    newest, number = inspection.crashes[0], len(inspection.crashes)
    days = (int(time.time() * 1000) - newest.at_ms) // MS_PER_DAY
    yield Finding(
        check="crash",
        level="wrong" if days < RECENT_DAYS else "note",
        what=f"carryoverd crashed {_on(newest.at_ms)}: {newest.what}"
        + (f" ({number} reports in all)." if number > 1 else "."),
        why="That is a fault of Carryover. What was not stored then has been read again since, or will be.",
        do=f"Read {report.short(newest.path)}, update (`{inspection.update}`), and report it with that file if it "
        "happens again: it holds no text of transcripts. Delete the file to clear this.",
    )


def ended_without_order(_report: Report, inspection: Inspection) -> Iterator[Finding]:
    """Reports, for a week, that the daemon's last run was not shut down properly."""
    run = inspection.unfinished_run
    if run is not None and time.time() * 1000 - run.last_ms < RECENT_DAYS * MS_PER_DAY:
        yield Finding(
            check="last-run",
            level="note",
            what=f"The last run of carryoverd did not end in order; its log ends {_on(run.last_ms)}.",
            why="It was killed (`kill -9`, out of memory) or the machine went down. Nothing is lost: what was not "
            "stored is read again.",
            do="If it happens again, see whether memory ran out (`journalctl -k`), and what it did last: "
            "`carryover logs`.",
        )


def _on(at_ms: int) -> str:
    return f"on {time.strftime('%Y-%m-%d at %H:%M:%S UTC', time.gmtime(at_ms / 1000))}"


def unfinished_run(
    lines: Sequence[str], crashes: Iterable[CrashReport], *, running_pid: int | None
) -> UnfinishedRun | None:
    """Returns the run before the present one if the log lacks its end and no crash report explains that.

    `running_pid`: the daemon that is running now. A run that did not log its start (`--log-level warning`) is not
    found.
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
    """Returns the lines about starts and ends, with their numbers. Only these are parsed, since a log is long."""
    wanted = {_START, *_ENDS}
    found = ((n, parse_line(line)) for n, line in enumerate(lines) if not wanted.isdisjoint(line.split(" ", 3)[2:3]))
    return [(n, line) for n, line in found if line is not None]
