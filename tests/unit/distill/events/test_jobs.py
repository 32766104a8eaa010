from __future__ import annotations

import pytest

from carryover.distill.digest import Failure, Pending
from carryover.model import BackgroundTask
from support.conversation import MINUTE_MS, START_MS, Conversation


def job(state: str, label: str = "", *, task_id: str = "j1") -> BackgroundTask:
    return BackgroundTask(task_id=task_id, state=state, label=label)  # type: ignore[arg-type]


def test_a_job_is_known_by_its_label_from_its_start_to_its_end() -> None:
    talk = Conversation().user("Train the model").event(job("running", "train\nit")).event(job("running", task_id="j2"))

    assert talk.digest.jobs == (
        Pending(id="j1", text="train it", at_ms=START_MS + 2 * MINUTE_MS, turn=1),
        Pending(id="j2", text="background job", at_ms=START_MS + 3 * MINUTE_MS, turn=1),
    )
    assert talk.event(job("done")).event(job("stopped", task_id="j2")).digest.jobs == ()
    assert talk.digest.failures == ()


@pytest.mark.parametrize(
    ("started", "ended", "tried", "why"),
    [
        ("train", "", "train", ""),
        ("train", 'Command "make model" failed with exit code 3', "make model", "exit code 3"),
        ("train", 'Command "make model" failed with exit code 1', "make model", ""),
        ("train", "exit code 137", "exit code 137", "exit code 137 (killed, likely out of memory)"),
        ("train", 'Job "make model" ended, exit code 143', "make model", "exit code 143 (terminated)"),
    ],
)
def test_a_job_that_fails_is_a_failure_with_its_exit_code(started: str, ended: str, tried: str, why: str) -> None:
    talk = Conversation().user("Train the model").event(job("running", started)).event(job("failed", ended))

    assert talk.digest.jobs == ()
    assert talk.digest.failures == (
        Failure(tried=tried, why=why, at_ms=talk.at_ms, signature="job:j1", turn=1, task_id="j1"),
    )


def test_a_job_that_is_reported_twice_failed_once() -> None:
    talk = Conversation().user("Train the model").event(job("failed", "train"))

    assert talk.event(job("failed", "train")).digest.failures == talk.digest.failures
    assert len(talk.digest.failures) == 1


def test_the_output_of_a_job_that_failed_says_why() -> None:
    talk = Conversation().user("Train the model").event(job("failed", "train", task_id="b7f2"))
    talk.ran("/tmp/tasks/b7f2.output", "epoch 1\nValueError: no data", op="read", name="Read")

    assert [failure.why for failure in talk.digest.failures] == ["ValueError: no data"]


def test_an_output_that_says_nothing_of_it_changes_nothing() -> None:
    talk = Conversation().user("Train the model").event(job("failed", "train, exit code 3", task_id="b7f2"))
    talk.ran("/tmp/tasks/b7f2.output", "epoch 1\nepoch 2", op="read", name="Read")
    talk.ran("/tmp/tasks/other.output", "ValueError: no data", op="read", name="Read")

    assert [failure.why for failure in talk.digest.failures] == ["exit code 3"]
