from __future__ import annotations

from carryover.daemon.crashes import CrashReport
from carryover.diagnose.last_runs import unfinished_run
from carryover.diagnose.report import UnfinishedRun

FIRST_MS = 1795155660000


def log(*events: str) -> list[str]:
    """One line per second."""
    return [f"2026-11-20T06:21:{n:02}.000Z INFO {event}" for n, event in enumerate(events)]


def started(pid: int) -> str:
    return f"started version=1.0 pid={pid} once=false"


def test_a_run_whose_log_ends_in_the_middle_is_not() -> None:
    lines = log(started(1), "closed", started(2), "swept n=1", "source_read n=2")

    assert unfinished_run(lines, (), running_pid=None) == UnfinishedRun(FIRST_MS + 2000, FIRST_MS + 4000)


def test_the_daemon_that_runs_now_has_not_ended_yet() -> None:
    lines = log(started(2), "swept n=1", started(2), "swept n=1")

    assert unfinished_run(lines[:2], (), running_pid=2) is None
    assert unfinished_run(lines, (), running_pid=2) == UnfinishedRun(FIRST_MS, FIRST_MS + 1000), "a number used again"


def test_of_runs_before_the_last_nothing_is_said() -> None:
    assert unfinished_run(log(started(1), started(2), "closed", started(3)), (), running_pid=3) is None


def test_where_the_running_daemon_is_not_in_the_log_nothing_is_known() -> None:
    """It logs less, or its first lines are no longer kept."""
    assert unfinished_run(log(started(1), "swept n=1"), (), running_pid=2) is None
    assert unfinished_run(log("swept n=1"), (), running_pid=2) is None
    assert unfinished_run([], (), running_pid=None) is None


def test_a_crash_report_explains_it() -> None:
    lines = log(started(1), "swept n=1")
    crash = CrashReport("/s/crashes/x.txt", FIRST_MS + 1500, "Fatal Python error: Aborted")
    earlier = CrashReport("/s/crashes/w.txt", FIRST_MS - 1500, "KeyError")

    assert unfinished_run(lines, [crash, earlier], running_pid=None) is None
    assert unfinished_run(lines, [earlier], running_pid=None) is not None


def test_torn_lines_are_no_end() -> None:
    lines = [*log(started(1), "swept n=1"), "2026-11-20T06:2", "", "closed"]

    assert unfinished_run(lines, (), running_pid=None) == UnfinishedRun(FIRST_MS, FIRST_MS + 1000)
