from __future__ import annotations

from carryover.distill.testruns.run import Findings


def test_a_file_that_failed_once_stays_failed() -> None:
    found = Findings()
    for outcome in ("pass", "fail", "pass"):
        found.saw("a.py", outcome)

    assert found.files == {"a.py": "fail"}


def test_the_first_reason_is_kept() -> None:
    found = Findings()
    for reason in ("  ", " first ", "second"):
        found.because(reason)

    assert found.reason == "first"


def test_the_sum_of_a_run_counts_for_more_than_a_line_in_it() -> None:
    """A test that prints `FAILED` has not failed."""
    printed = Findings(failed_names=["printed"], files={"a.py": "fail"})

    assert printed.bad
    printed.summary = True
    printed.add("passed", 1)
    assert not printed.bad
