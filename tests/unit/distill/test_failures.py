from __future__ import annotations

import pytest

from carryover.distill.failures import failed, signature, takes_back, user_said, why
from carryover.model import Op, ResultStatus, ToolResult


def result(subject: str, output: str = "", *, status: ResultStatus = "error", op: Op = "shell") -> ToolResult:
    return ToolResult(call_id="c", name="Bash", op=op, status=status, subject=subject, output=output)


def test_the_reason_of_a_traceback_is_its_exception() -> None:
    output = "Exit code 1\nTraceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'cap'\n"

    assert why(output) == "KeyError: 'cap'"


def test_zero_errors_are_no_reason() -> None:
    assert why("0 errors, 0 failed\nfatal: bad revision") == "fatal: bad revision"


def test_without_a_telling_line_the_last_one_is_the_reason() -> None:
    assert why("Exit code 2\nstep one\nstep two stopped") == "step two stopped"


def test_an_error_behind_a_pipe_is_seen_though_the_call_succeeded() -> None:
    assert failed(result("claude --yes | head", "error: unknown option '--yes'", status="ok"))


@pytest.mark.parametrize(
    "command", ["ls x", "cd /a && grep -r foo .", "git status", "FOO=1 cat x", "sudo find / -name y"]
)
def test_looking_for_something_does_not_fail(command: str) -> None:
    assert not failed(result(command, "Exit code 1"))


def test_numbers_and_the_folder_do_not_make_a_try_a_new_one() -> None:
    assert signature(result("cd /a && make  part7")) == signature(result("cd /b && make part12"))


def test_the_users_words_with_a_refusal_are_found() -> None:
    assert user_said("It was rejected. To tell you how to proceed, the user said:\nuse  yarn") == "use yarn"
    assert user_said("It was rejected.") is None


@pytest.mark.parametrize("prompt", ["go back to adze", "please revert that", "never mind the cache", "верни как было"])
def test_the_user_takes_work_back_in_several_ways(prompt: str) -> None:
    assert takes_back(prompt)


def test_a_result_whose_call_is_not_known_tells_nothing() -> None:
    assert not failed(ToolResult(call_id="c", name="", op="other", status="error", output="error: gone"))
