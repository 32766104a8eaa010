from __future__ import annotations

import msgspec

from carryover.distill.testruns.run import Findings, TestRun


def test_a_run_survives_its_stored_form() -> None:
    run = TestRun(runner="pytest", status="fail", failed=1, files={"a.py": "fail"}, reason="x", paths=("a.py",))

    assert msgspec.json.decode(msgspec.json.encode(run), type=TestRun) == run


def test_runs_do_not_share_their_files() -> None:
    assert TestRun(runner="a", status="pass").files is not TestRun(runner="b", status="pass").files


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
