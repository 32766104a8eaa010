"""Command lines are split where the shell would split them."""

from __future__ import annotations

import os
import subprocess

import pytest

from carryover.terminal.paths import shell_word
from carryover.text.shell import CUT, Command, commands, is_cut, script_lines, script_of_shell
from support.costs import costing_little


def words_of(script: str) -> list[tuple[tuple[str, ...], str]]:
    return [(command.words, command.then) for command in commands(script)]


def test_operators_split_a_line_and_quotes_do_not() -> None:
    assert words_of("cd 'my shop' && echo \"a; b\" | cat; ls\\ x & pwd") == [
        (("cd", "my shop"), "&&"),
        (("echo", "a; b"), "|"),
        (("cat",), ";"),
        (("ls x",), "&"),
        (("pwd",), ""),
    ]


def test_a_command_says_how_it_was_written_and_where_its_output_goes() -> None:
    assert commands("pytest -k 'a b' 2>&1 >out.txt # then")[0] == Command(
        before=(),
        written=("pytest", "-k", "'a b'"),
        words=("pytest", "-k", "a b"),
        redirects=(("2>&1", ""), (">", "out.txt")),
        text="pytest -k 'a b' 2>&1 >out.txt",
        then="",
        folder="",
        depth=0,
    )


def test_the_words_of_the_shell_come_before_a_command() -> None:
    script = "if ! grep -q a b; then\n  make\nfi"

    assert [(each.before, each.words[0]) for each in commands(script)] == [
        (("if", "!"), "grep"),
        (("then",), "make"),
        ((), "fi"),
    ]


def test_the_text_of_a_here_document_is_no_command() -> None:
    assert words_of("cat > a.sh <<'EOF' && chmod +x a.sh\npytest\nEOF\nls") == [
        (("cat",), "&&"),
        (("chmod", "+x", "a.sh"), "\n"),
        (("ls",), ""),
    ]


@pytest.mark.parametrize(
    ("script", "after"), [("cat <<-EOF\n\ta\n\tEOF\nls", ("ls",)), ("cat <<EOF\n\tEOF\nmake\nEOF\nls", ("ls",))]
)
def test_only_a_here_document_with_a_dash_may_end_indented(script: str, after: tuple[str, ...]) -> None:
    assert [command.words for command in commands(script)] == [("cat",), after]


@pytest.mark.parametrize("end", ["'first; pytest", "; 'first", f"#{'x' * 20_000}"])
def test_what_follows_a_quote_that_is_never_closed_is_not_certain(end: str) -> None:
    script = f"git commit -m {end}"

    assert words_of(script) == [(("git", "commit", "-m"), CUT)]
    assert is_cut(script)


def test_a_group_and_a_chain_in_the_background_keep_their_folder() -> None:
    script = "(cd a; ls) && cd b && make & pushd c; ls; popd; cd -; cat 'app/(tabs)/x'"

    assert [(each.words[0], each.then, each.folder, each.depth) for each in commands(script)] == [
        ("cd", ";", "", 2),
        ("ls", "&&", "a", 2),
        ("cd", "&&", "", 1),
        ("make", "&", "b", 1),
        ("pushd", ";", "", 0),
        ("ls", ";", "c", 0),
        ("popd", ";", "c", 0),
        ("cd", ";", "", 0),
        ("cat", "", "c", 0),
    ]


def test_a_command_that_a_group_leaves_in_the_background_runs_there() -> None:
    assert words_of("(cd a; make &); ls") == [(("cd", "a"), ";"), (("make",), "&"), (("ls",), "")]


def test_chains_in_the_background_in_each_other_cost_no_time() -> None:
    nested = f"{'(' * 3_300}a{'&&b&)' * 3_300}"
    with costing_little():
        assert commands(nested)[0].depth == 6_600


def test_a_folder_whose_name_stands_in_parentheses_is_part_of_a_path() -> None:
    assert words_of("cat app/(tabs)/x.tsx; (ls)") == [(("cat", "app/(tabs)/x.tsx"), ";"), (("ls",), "")]


@pytest.mark.parametrize(
    ("words", "script"),
    [
        (("bash", "-lc", "make test"), "make test"),
        (("sh", "-e", "-c", "make"), "make"),
        (("bash", "--norc", "-c", "make"), "make"),
        (("powershell.exe", "-NoProfile", "-Command", "npm test"), "npm test"),
        (("cmd", "/c", "npm test"), "npm test"),
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


def test_many_here_documents_of_one_line_cost_no_time() -> None:
    count = 160_000
    with costing_little():
        [line] = script_lines("cat" + " <<E" * count + "\nE" * count)

    assert (len(line.below), line.waiting) == (count, 0)
