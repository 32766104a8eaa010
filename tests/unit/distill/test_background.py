"""What tests in the background printed, as the agent got it when they had ended."""

from __future__ import annotations

import pytest

from carryover import model
from carryover.model import Op
from support.conversation import MINUTE_MS, Conversation

PRINTS = "/tmp/claude-1000/-shop/5d/tasks/%s.output"
LOOKS = [("read", "Read", PRINTS % "b9fbd81"), ("other", "TaskOutput", "b9fbd81")]


def begun_tests() -> Conversation:
    talk = Conversation().user("Run all tests.")
    talk.ran("pytest -q | tail -3", "Command running in background with ID: b9fbd81.")
    return talk.event(model.BackgroundTask(task_id="b9fbd81", state="running", label="Tests"))


def numbers(talk: Conversation) -> list[tuple[str, int | None, int | None]]:
    return [(seen.run.status, seen.run.passed, seen.run.failed) for seen in talk.digest.runs]


@pytest.mark.parametrize(("op", "name", "subject"), LOOKS)
def test_what_a_test_run_printed_may_come_after_the_report_of_its_end(op: Op, name: str, subject: str) -> None:
    """To a call that waited for it (TaskOutput of Claude Code 2.0.65 to 2.1.159), or with its file (2.1.332)."""
    talk = begun_tests().ran(subject, "running\n2 passed in 0.1s", name=name, op=op)
    for _ in range(2):
        talk.event(model.BackgroundTask(task_id="b9fbd81", state="done", label="Tests completed (exit code 0)"))
        assert numbers(talk) == [("unknown", None, None)]
    talk.says("Now I read the output.").ran("pytest test_cart.py", "5 passed in 0.1s")
    at = "3\t" if op == "read" else ""
    for printed in (f"{at}FAILED test_a.py::test_b\n{at}1 failed, 3 passed in 2.1s", f"{at}3 passed in 2.1s"):
        talk.ran(subject, printed, name=name, op=op)  # the whole, and a part of it

    assert numbers(talk) == [("fail", 3, 1), ("pass", 5, None)]
    assert talk.digest.runs[0].run.failed_names == ("test_a.py::test_b",)


def test_what_a_test_run_printed_may_come_with_the_end_that_a_call_found() -> None:
    """TaskOutput of Claude Code 2.0.65 to 2.1.145: one record holds both, and no other has its end."""
    talk = begun_tests().ran("b9fbd81", "completed\n1 failed, 3 passed in 2.1s", name="TaskOutput", op="other")
    talk.at_ms -= MINUTE_MS
    talk.event(model.BackgroundTask(task_id="b9fbd81", state="done"))

    assert numbers(talk) == [("fail", 3, 1)]


@pytest.mark.parametrize(
    ("op", "name", "subject"),
    [
        ("read", "Read", PRINTS % "b9fbd812"),
        ("search", "Grep", f"passed {PRINTS % 'b9fbd81'}"),
        ("shell", "Bash", f"grep passed {PRINTS % 'b9fbd81'}"),
    ],
)
def test_another_file_and_a_part_of_it_do_not_say_how_tests_ended(op: Op, name: str, subject: str) -> None:
    talk = begun_tests().event(model.BackgroundTask(task_id="b9fbd81", state="done", label="Tests completed"))
    talk.ran(subject, "3 passed in 2.1s", name=name, op=op)

    assert numbers(talk) == [("unknown", None, None)]


def test_what_tests_had_printed_that_were_stopped_is_no_result() -> None:
    talk = begun_tests().event(model.BackgroundTask(task_id="b9fbd81", state="stopped", label="Tests were stopped"))
    talk.ran(PRINTS % "b9fbd81", "3 passed in 2.1s", name="Read", op="read")

    assert numbers(talk) == []


def test_a_signal_that_ended_tests_leaves_them_unclear_whatever_they_had_printed() -> None:
    talk = begun_tests()
    talk.event(model.BackgroundTask(task_id="b9fbd81", state="failed", label="Tests failed with exit code 137"))
    talk.ran(PRINTS % "b9fbd81", "3 passed in 2.1s", name="Read", op="read")

    assert numbers(talk) == [("unknown", 3, None)]


@pytest.mark.parametrize(
    ("commands", "looks", "told"),
    [
        (["pytest -q | tail -3"], [(0, "2 passed in 0.1s"), (0, "")], [("pass", 2)]),
        (
            ["pytest -q | tail -3", "make check | tail -3"],
            [(1, "1 failed, 2 passed in 0.1s")],
            [("unknown", None), ("fail", 2)],
        ),
        (["pytest -q | tail"] * 2, [(1, "2 passed in 1s"), (0, "1 failed in 1s")], [("fail", None), ("pass", 2)]),
    ],
)
def test_what_a_job_printed_is_read_as_no_other_jobs(
    commands: list[str], looks: list[tuple[int, str]], told: list[object]
) -> None:
    talk = Conversation().user("Run all tests.")
    for number, command in enumerate(commands):
        talk.ran(command, f"Command running in background with ID: b9fbd8{number}.")
        talk.event(model.BackgroundTask(task_id=f"b9fbd8{number}", state="running", label="Tests"))
    for number in range(len(commands)):
        talk.event(model.BackgroundTask(task_id=f"b9fbd8{number}", state="done", label="Tests done (exit code 0)"))
    for number, printed in looks:
        talk.ran(f"b9fbd8{number}", f"completed\n{printed}", name="TaskOutput", op="other")
        talk.at_ms -= MINUTE_MS
        talk.event(model.BackgroundTask(task_id=f"b9fbd8{number}", state="done"))
    assert [(seen.run.status, seen.run.passed) for seen in talk.digest.runs] == told


@pytest.mark.parametrize(("first", "between"), [(0, 0), (1, 0), (0, 45)])
def test_a_second_report_of_a_search_that_found_nothing_is_no_failure(first: int, between: int) -> None:
    """Claude Code 2.1.126 queues a report, and delivers it again after the agent asked how the job ended."""
    talk = Conversation().user("Who calls it?").ran("grep -rl cap .", "Command running in background with ID: b9fbd81.")
    labels = ("Background command failed with exit code 1", "")
    for label in (labels[first], labels[1 - first]):
        talk.event(model.BackgroundTask(task_id="b9fbd81", state="failed", label=label))
        for number in range(between):
            talk.ran(f"cat {number}.py", "CAP = 3", name="Bash")

    assert talk.digest.failures == ()


@pytest.mark.parametrize("command", ["switch local", "switch local &"])
def test_a_job_whose_end_is_recorded_before_its_beginning_does_not_run(command: str) -> None:
    """Claude Code 2.1.81 queues the report of the end before it writes the call's result, which is older."""
    talk = (
        Conversation()
        .user("Switch the proxy.")
        .event(model.BackgroundTask(task_id="b9fbd81", state="failed", label="“Switch” failed with exit code 1"))
    )
    talk.at_ms -= 2 * MINUTE_MS
    talk.ran(command, "Command running in background with ID: b9fbd81.")
    talk.at_ms -= MINUTE_MS
    talk.event(model.BackgroundTask(task_id="b9fbd81", state="running", label="Switch"))
    assert not any(talk.digest.jobs)

    talk.ran(command, "LOCAL mode")
    assert [failure.solved for failure in talk.digest.failures] == [True]
    talk.event(model.BackgroundTask(task_id="b9fbd81", state="running", label="Switch"))
    assert talk.digest.jobs[-1].id == "b9fbd81"  # begun again since
