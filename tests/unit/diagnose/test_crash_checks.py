from __future__ import annotations

import time

import msgspec

from carryover.daemon.crashes import CrashReport
from carryover.diagnose.checks import findings
from carryover.ingest.scan import MS_PER_DAY
from support.reports import HEALTHY, changed

NOW_MS = int(time.time() * 1000)
CRASH = CrashReport(
    "/home/dev/.carryover/crashes/20261120T062101.000000Z.txt",
    1_795_155_661_000,
    "reader-1 failed: KeyError at carryover.x:8",
)


def test_the_newest_crash_is_named_with_its_report_and_how_to_clear_it() -> None:
    crash = msgspec.structs.replace(CRASH, at_ms=NOW_MS)
    [found] = findings(changed(HEALTHY, crashes=(crash, CRASH)))

    assert (found.check, found.level, found.fix) == ("crash", "wrong", None)
    assert found.what.endswith(" UTC: reader-1 failed: KeyError at carryover.x:8 (2 reports in all).")
    assert "~/.carryover/crashes/20261120T062101.000000Z.txt" in found.do
    assert "Delete the file" in found.do


def test_a_crash_of_long_ago_is_worth_a_note() -> None:
    crash = msgspec.structs.replace(CRASH, at_ms=NOW_MS - 8 * MS_PER_DAY)
    [found] = findings(changed(HEALTHY, crashes=(crash,)))

    assert (found.level, found.what.endswith("carryover.x:8.")) == ("note", True)
