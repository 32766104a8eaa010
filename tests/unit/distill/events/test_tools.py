from __future__ import annotations

import pytest

from support.conversation import Conversation


@pytest.mark.parametrize(("output", "status"), [("3 passed in 0.1s", "pass"), ("1 failed, 2 passed in 0.1s", "fail")])
def test_a_test_run_whose_end_nobody_tells_counts_by_its_own_summary(output: str, status: str) -> None:
    talk = Conversation().user("Fix the cart").ran("pytest -q", output, status="unknown")

    assert [(seen.run.status, seen.command) for seen in talk.digest.runs] == [(status, "pytest -q")]
    assert talk.digest.turn is not None
    assert talk.digest.turn.tests == status
    assert talk.digest.failures == ()


@pytest.mark.parametrize("output", ["", "collected 3 items\n\ntests/test_cart.py ..", "no tests ran in 0.01s"])
def test_without_a_verdict_in_its_output_it_counts_for_nothing(output: str) -> None:
    talk = Conversation().user("Fix the cart").ran("pytest -q", output, status="unknown")

    assert talk.digest.runs == ()
    assert talk.digest.turn is not None
    assert talk.digest.turn.tests is None


@pytest.mark.parametrize("status", ["denied", "interrupted"])
def test_a_test_run_that_was_refused_or_stopped_is_none(status: str) -> None:
    talk = Conversation().user("Fix the cart")
    talk.ran("pytest -q", "3 passed in 0.1s", status=status)  # type: ignore[arg-type]

    assert talk.digest.runs == ()


def test_of_other_commands_whose_end_nobody_tells_nothing_is_concluded() -> None:
    talk = Conversation().user("Release it").ran("npm run deploy", "error: no such bucket", status="error")
    talk.ran("npm run deploy", "done", status="unknown")
    talk.ran("git commit -m x", "[main f0bf20a] Add a discount", status="unknown")

    assert [(failure.times, failure.mended) for failure in talk.digest.failures] == [(1, False)]
    assert talk.digest.turn is not None
    assert talk.digest.turn.commits == ()
