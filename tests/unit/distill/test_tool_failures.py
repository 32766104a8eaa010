from __future__ import annotations

import pytest

from carryover.distill.tool_failures import (
    failed,
    is_edit_of,
    is_looking,
    program,
    signature,
    takes_back,
    tried,
    user_said,
    why,
)
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
    "command",
    [
        "ls x",
        "cd /a && grep -r foo .",
        "git status",
        "FOO=1 cat x",
        "sudo find / -name y",
        "sed -n 1,9p x",
        "ls x 2>/dev/null",
        "ls x > /dev/null 2>&1",
        "grep '<b> x' y",
        "rg 'a => b'",
    ],
)
def test_looking_for_something_does_not_fail(command: str) -> None:
    assert is_looking(command)
    assert not failed(result(command, "Exit code 1"))


@pytest.mark.parametrize(
    "command",
    ["make", "git push", "./ls", "python ls.py", "cat > x <<EOF", "echo a >> x", "ls | tee x", "sed -i s/a/b/ x"],
)
def test_other_commands_may(command: str) -> None:
    assert not is_looking(command)
    assert failed(result(command, "Exit code 1"))


@pytest.mark.parametrize("op", ["read", "search", "plan", "ask"])
def test_calls_that_change_nothing_do_not_fail(op: Op) -> None:
    assert not failed(result("x", "error: gone", op=op))


@pytest.mark.parametrize("status", ["denied", "interrupted"])
def test_calls_that_were_refused_or_stopped_do_not_fail(status: ResultStatus) -> None:
    assert not failed(result("make", "error: gone", status=status))


@pytest.mark.parametrize(
    ("command", "op", "shown"),
    [
        ("cd /a && make  `all`\nnow", "shell", "`make all now`"),
        ("FOO=1 sudo make", "shell", "`make`"),
        ("/home/dev/a.py", "edit", "Bash /home/dev/a.py"),
        ("", "other", "Bash"),
        ("make " + "x" * 200, "shell", f"`make {'x' * 114}…`"),
    ],
)
def test_what_was_tried_is_reported_in_a_few_words(command: str, op: Op, shown: str) -> None:
    assert tried(result(command, op=op)) == shown


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("npm run deploy", "npm run"),
        ("./deploy.sh --fast now", "deploy.sh now"),
        ("cd /a && /usr/bin/terraform apply -auto", "terraform apply"),
        ("./deploy.sh", "deploy.sh"),
        ("make", ""),
        ("python bake.py", ""),
        ("psql -c 'select 1'", ""),
        ("cat <<EOF", ""),
        ("", ""),
    ],
)
def test_tries_at_the_same_thing_are_known_by_the_program_and_its_first_argument(command: str, runs: str) -> None:
    assert program(command) == runs


def test_a_reason_is_searched_only_where_a_line_tells_one() -> None:
    assert why("one\ntwo\nthree\nfour") == ""
    assert why("one\ntwo", only_telling=True) == ""
    assert why("built\n✓ done") == ""
    assert why("") == why("Exit code 1\n") == ""


def test_the_plain_reason_goes_before_a_step_of_the_build() -> None:
    assert why("=> ERROR [2/4] RUN make\nmake: no such target: loaf\nstep\nlast") == "make: no such target: loaf"


def test_complaints_of_the_shells_own_start_are_no_reason() -> None:
    assert why("/etc/profile.d/x.sh: line 3: no such file\nfatal: no oven") == "fatal: no oven"


def test_numbers_and_the_folder_do_not_make_a_try_a_new_one() -> None:
    assert signature(result("cd /a && make  part7")) == signature(result("cd /b && make part12"))


def test_the_users_words_with_a_refusal_are_found() -> None:
    assert user_said("It was rejected. To tell you how to proceed, the user said:\nuse  yarn") == "use yarn"
    assert user_said("It was rejected.") is None


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("go back to adze", id="en"),
        pytest.param("please revert that", id="en revert"),
        pytest.param("never mind the cache", id="en never mind"),
        pytest.param("zurück zu Hefe", id="de"),
        pytest.param("annule ça", id="fr"),
        pytest.param("no me gusta así", id="es"),
        pytest.param("desfaz isso", id="pt"),
        pytest.param("torna a prima", id="it"),
        pytest.param("верни как было", id="ru"),
        pytest.param("元に戻して", id="ja"),
        pytest.param("撤销这个", id="zh"),
        pytest.param("되돌려 줘", id="ko"),
    ],
)
def test_the_user_takes_work_back_in_several_ways(prompt: str) -> None:
    assert takes_back(prompt)


@pytest.mark.parametrize(
    "prompt", ["add a discount", "does it work?", "looks good", "go back to adze" + " please" * 90]
)
def test_a_request_or_a_long_text_takes_nothing_back(prompt: str) -> None:
    assert not takes_back(prompt)


def test_a_result_whose_call_is_not_known_tells_nothing() -> None:
    assert not failed(ToolResult(call_id="c", name="", op="other", status="error", output="error: gone"))


@pytest.mark.parametrize(
    "wrapper",
    [
        'gen.go:3: running "go": exit status 1',
        "make[1]: *** [Makefile:3: loaf] Error 2",
        "npm ERR! code ELIFECYCLE",
        "Error",
    ],
)
def test_what_only_says_that_something_failed_is_the_cause_where_nothing_else_is_said(wrapper: str) -> None:
    assert why(f"{wrapper}\noven.go:64:9: invalid array length") == "oven.go:64:9: invalid array length"
    assert why(wrapper) == wrapper
    assert why(f"2026-11-20 | INFO | oven warm\n{wrapper}\noven is cold") == "oven is cold"


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


def test_a_complaint_of_a_shells_own_file_is_not_the_reason() -> None:
    output = "/Users/dev/.profile: line 6: compdef: command not found\nfatal: no such remote 'origin'"

    assert why(output) == "fatal: no such remote 'origin'"
