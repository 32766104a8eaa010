from __future__ import annotations

import pytest

from carryover.distill.tool_failures import failed, is_edit_of, signature, takes_back, user_said, why
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


def test_an_edit_that_failed_says_why_first() -> None:
    output = "patch failed: no such lines in /home/dev/shop/a.py:\nraise\nValueError: not what failed\n"

    assert why(output, of_edit=True) == "patch failed: no such lines in /home/dev/shop/a.py"


def test_a_reason_that_a_console_broke_is_joined_and_stands_without_its_margin() -> None:
    assert why("gcx : Cannot find drive \r\n'Q:\\' \r\nbecause nobody has it.\r\nAt line:1\r\n") == (
        "gcx : Cannot find drive 'Q:\\' because nobody has it."
    )
    assert why("ParserError: \nLine |\n   1 |  (1\n     | Missing closing ')' in it.\n") == "Missing closing ')' in it."


def test_a_cmdlet_that_finds_nothing_does_not_fail_but_one_that_is_misused_does() -> None:
    missing = result("Get-Content x.md", "Get-Content: Cannot find path 'x.md' because it does not exist.")
    misused = result("Get-Content x.md -Foo 1", "Get-Content: A parameter cannot be found that matches 'Foo'.")

    assert not failed(missing)
    assert failed(misused)


@pytest.mark.parametrize("prompt", ["I don't like tabs here, use a list", "мне не нравится меню", "気に入らないです"])
def test_what_the_user_does_not_like_is_taken_back(prompt: str) -> None:
    assert takes_back(prompt)


@pytest.mark.parametrize(
    ("subject", "path", "same"),
    [
        ("/home/dev/shop/a1.py", "/home/dev/shop/a1.py", True),
        ("shop/a1.py", "/home/dev/shop/a1.py", True),
        (".\\lib\\b.cs", "C:\\dev\\lib\\b.cs", True),
        ("lib\\b.cs", "C:\\dev\\lib\\b.cs", True),
        ("p/a1.py", "/home/dev/shop/a1.py", False),
        ("", "/home/dev/shop/a1.py", False),
    ],
)
def test_a_failed_edit_is_known_by_its_file(subject: str, path: str, same: bool) -> None:
    assert is_edit_of(signature(result(subject, op="edit")), path) is same
