"""Checks of `carryover doctor` on earlier runs of the daemon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from carryover.diagnose.report import Finding, Inspection, Report
from carryover.ingest.scan import MS_PER_DAY

RECENT_DAYS: Final = 7


def crashed(report: Report, inspection: Inspection) -> Iterator[Finding]:
    """Reports the newest crash report: wrong for a week, then a note."""
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
    """Reports, for a week, that the last run did not end in order."""
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
