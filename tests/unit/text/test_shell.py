"""Command lines are split where the shell would split them."""

from __future__ import annotations

import os
import subprocess

import pytest

from carryover.terminal.paths import shell_word
from carryover.text.shell import SimpleCommand, script_of_shell, simple_commands


def test_operators_split_a_line_and_quotes_do_not() -> None:
    assert list(simple_commands("cd 'my shop' && echo \"a; b\" | cat; ls\\ x & pwd")) == [
        SimpleCommand(("cd", "my shop"), "&&"),
        SimpleCommand(("echo", "a; b"), "|"),
        SimpleCommand(("cat",), ";"),
        SimpleCommand(("ls x",), "&"),
        SimpleCommand(("pwd",), ""),
    ]


def test_redirections_and_comments_are_left_out() -> None:
    assert list(simple_commands("pytest -q 2>&1 > out.txt 2>/dev/null &> all # then\nls")) == [
        SimpleCommand(("pytest", "-q"), "\n"),
        SimpleCommand(("ls",), ""),
    ]


def test_the_text_of_a_here_document_is_no_command() -> None:
    assert list(simple_commands("cat > a.sh <<'EOF' && chmod +x a.sh\npytest\nEOF\nls")) == [
        SimpleCommand(("cat",), "&&"),
        SimpleCommand(("chmod", "+x", "a.sh"), "\n"),
        SimpleCommand(("ls",), ""),
    ]


@pytest.mark.parametrize(
    ("script", "after"), [("cat <<-EOF\n\ta\n\tEOF\nls", ("ls",)), ("cat <<EOF\n\tEOF\nmake\nEOF\nls", ("ls",))]
)
def test_only_a_here_document_with_a_dash_may_end_indented(script: str, after: tuple[str, ...]) -> None:
    assert [command.words for command in simple_commands(script)] == [("cat",), after]


def test_a_line_that_was_cut_inside_a_quote_ends_there() -> None:
    assert list(simple_commands("git commit -m 'first; pytest")) == [SimpleCommand(("git", "commit", "-m"), "")]


@pytest.mark.parametrize(
    ("words", "script"),
    [
        (("bash", "-lc", "make test"), "make test"),
        (("sh", "-e", "-c", "make"), "make"),
        (("bash", "--norc", "-c", "make"), "make"),
        (("/bin/sh", "-c", "make"), "make"),
        (("docker", "run", "--rm", "-v", "/src:/work", "img", "bash", "-lc", "make test"), "make test"),
        (("sudo", "docker", "exec", "web", "/bin/sh", "-c", "make"), "make"),
        (("ssh", "host", "bash", "-c", "make"), "make"),
        (("nix", "develop", "-c", "bash", "-c", "make"), "make"),
        (("nix", "develop", "-c", "make"), None),
        (("nix-shell", "-p", "jq", "--run", "make"), "make"),
        (("nix-shell", "--command", "make"), "make"),
        (("nix-shell", "-p", "jq"), None),
        (("ssh", "-c", "aes", "host", "ls"), None),
        (("grep", "bash", "-c", "make"), None),
        (("sudo", "bash", "run.sh"), None),
        (("bash", "run.sh"), None),
        (("git", "-c", "a=b"), None),
        ((), None),
    ],
)
def test_the_script_that_a_shell_is_started_with(words: tuple[str, ...], script: str | None) -> None:
    assert script_of_shell(words) == script


@pytest.mark.parametrize(
    "name", ["a b", "it's", "-x", "--yes", "a\nb", "\x1b]0;x\x07", "a\u202eb", "ü\u200b", "a\udcff'\\", "$(x)", ""]
)
def test_a_quoted_word_is_seen_and_is_that_word_alone(name: str) -> None:
    word = shell_word(name)

    assert word.isprintable()
    shown = subprocess.run(["bash", "-c", f"printf '%s|' {word}"], capture_output=True, check=True).stdout
    assert shown == os.fsencode(f"./{name}|" if name.startswith("-") else f"{name}|")
