from __future__ import annotations

import contextlib
import os
import re
import select
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from carryover.adapter.spec import LINUX, MACOS
from carryover.agents import specs
from carryover.install.detect import ask_version, version_in
from carryover.install.machine import VERSION_S, FoundCommand, Machine, copies_of_command, start_command, startable_here
from carryover.platform import here
from support.tools import program


def test_what_an_earlier_install_saw_counts_where_the_environment_says_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", "/srv/today")

    machine = Machine.here({"CODEX_HOME": "/srv/then", "CLAUDE_CONFIG_DIR": "/srv/claude"})

    assert (machine.env["CODEX_HOME"], machine.env["CLAUDE_CONFIG_DIR"]) == ("/srv/today", "/srv/claude")
    assert (machine.home, machine.platform, machine.root) == (home, here().name, Path("/"))


def machine(home: Path, *path: str | Path, platform: str = LINUX, **env: str) -> Machine:
    """A machine whose system folders are empty."""
    joined = ":".join(map(str, path))
    return Machine(home=home, env={"PATH": joined, **env}, platform=platform, root=home / "system")


def test_path_goes_first_in_its_own_order(home: Path) -> None:
    second, first = program(home / "b" / "tool"), program(home / "a" / "tool")
    beside = program(home / ".local/bin/tool")

    assert copies_of_command(("tool",), machine(home, home / "a", home / "b")) == (
        FoundCommand(first, True),
        FoundCommand(second, True),
        FoundCommand(beside, False),
    )


BOTH = (LINUX, MACOS)


@pytest.mark.parametrize(
    ("place", "platforms"),
    [
        *((place, BOTH) for place in (".local/bin", ".npm-global/bin", ".bun/bin", ".volta/bin")),
        *((place, BOTH) for place in (".nvm/versions/node/v22.3.0/bin", "system/usr/local/bin")),
        *((place, (LINUX,)) for place in (".local/share/pnpm",)),
        *((place, (MACOS,)) for place in ("Library/pnpm",)),
    ],
)
def test_a_command_beside_path_is_found_in_the_usual_places(home: Path, place: str, platforms: tuple[str, ...]) -> None:
    tool = program(home / place / "tool")

    for platform in BOTH:
        found = (FoundCommand(tool, False),) if platform in platforms else ()
        assert copies_of_command(("tool",), machine(home, platform=platform)) == found


def test_variables_move_the_usual_places(home: Path) -> None:
    nvm, npm = program(home / "n/versions/node/v20.0.0/bin/tool"), program(home / "p/bin/tool")

    found = copies_of_command(("tool",), machine(home, NVM_DIR=str(home / "n"), NPM_CONFIG_PREFIX="~/p"))

    assert found == (FoundCommand(npm, False), FoundCommand(nvm, False))


def test_links_to_the_same_file_are_one_copy_and_keep_the_name_they_were_found_by(home: Path) -> None:
    program(home / "versions/2.1.328")
    for link in (home / "a/tool", home / ".local/bin/tool"):
        link.parent.mkdir(parents=True)
        link.symlink_to(home / "versions/2.1.328")

    assert copies_of_command(("tool",), machine(home, home / "a")) == (FoundCommand(home / "a/tool", True),)


def test_what_can_not_be_run_is_no_command(home: Path) -> None:
    folder = home / "bin"
    (folder / "directory").mkdir(parents=True)
    (folder / "plain").write_text("#!/bin/sh\n")
    (folder / "dangling").symlink_to(home / "gone")
    (folder / "circle").symlink_to(folder / "circle")

    assert copies_of_command(("directory", "plain", "dangling", "circle", "missing"), machine(home, folder)) == ()


def test_relative_and_empty_entries_of_path_are_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They mean the folder one stands in: a project that was just cloned may hold a `tool`."""
    program(home / "project/tool")
    program(home / "project/bin/tool")
    monkeypatch.chdir(home / "project")

    assert copies_of_command(("tool",), machine(home, "", ".", "bin")) == ()


NAMED = {spec.id: spec for spec in specs()}


def test_only_what_is_here_and_selected_is_offered(home: Path) -> None:
    claude, codex = (program(home / "bin" / command, "exit 0") for command in ("claude", "codex"))
    with_both = machine(home, home / "bin")

    assert startable_here(None, with_both) == ("claude-code", "codex")
    assert startable_here(("codex", "cursor"), with_both) == ("codex",)
    commands = [start_command(NAMED[name], with_both) for name in ("claude-code", "codex", "cursor", "windsurf")]
    assert commands == [FoundCommand(claude, True), FoundCommand(codex, True), None, None]


PATTERN = r"^(\d+\.\d+\.\d+)"
SHORT_S = 0.3
LONG_S = 5
"""Far above the limit, far below what the hanging commands would take."""

ENV = {"PATH": os.defpath}


def ask(folder: Path, *script: str, limit_s: float = VERSION_S) -> str:
    return ask_version(program(folder / "tool", *script), PATTERN, env=ENV, cwd=folder, limit_s=limit_s)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo rubbish", "its answer holds no version"),
        (r"printf '\377\376\000\001'", "its answer holds no version"),
        ("echo 2.1.328; exit 3", "it ended with code 3"),
        ("echo 2.1.328; kill -9 $$", "it was ended by signal 9"),
        ("trap '' TERM HUP INT; while :; do sleep 60; done", "no answer within 0.3 s"),
        ("exec yes 2.1.328", "no answer within 0.3 s"),
    ],
)
def test_no_version_has_a_reason_and_never_takes_long(tmp_path: Path, script: str, problem: str) -> None:
    before = time.monotonic()

    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        ask(tmp_path, script, limit_s=SHORT_S)
    assert time.monotonic() - before < LONG_S


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda _: None, "it could not be started (No such file or directory)"),
        (lambda path: path.mkdir(), "it could not be started (Permission denied)"),
        (lambda path: path.write_bytes(b"\0\1\2") and path.chmod(0o755), "it could not be started (Exec format error)"),
    ],
    ids=["missing", "a directory", "for another machine"],
)
def test_what_can_not_be_started_is_said(tmp_path: Path, make: object, problem: str) -> None:
    make(tmp_path / "tool")  # type: ignore[operator]

    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        ask_version(tmp_path / "tool", PATTERN, env=ENV, cwd=tmp_path)


def test_an_answer_counts_though_something_it_started_continues(tmp_path: Path) -> None:
    """The child keeps the output open, so its end would never be seen."""
    before = time.monotonic()

    assert ask(tmp_path, "sleep 60 & echo 1.2.3") == "1.2.3"
    assert time.monotonic() - before < VERSION_S


@pytest.mark.parametrize("ending", ["wait", "echo 1.2.3"])
def test_what_the_command_started_is_ended_with_it(tmp_path: Path, ending: str) -> None:
    os.mkfifo(tmp_path / "alive")
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with contextlib.suppress(ValueError):
            ask(tmp_path, "exec 9> alive; echo here >&9", "sleep 60 &", ending, limit_s=SHORT_S)

        assert _read_to_end(reader) == b"here\n"
    finally:
        os.close(reader)


def test_it_gets_no_input_no_shell_and_only_the_given_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    folder = tmp_path / "$(touch hit)"
    folder.mkdir()
    answer = ask(folder, 'cat; env > env; pwd > pwd; printf "%s\\n" "$@" > args; echo 1.2.3')

    assert answer == "1.2.3"
    seen = dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())
    assert {name: value for name, value in seen.items() if name not in ("PWD", "OLDPWD", "SHLVL", "_")} == ENV
    assert (folder / "args").read_text().splitlines() == ["--version"]
    assert (folder / "pwd").read_text().strip() == str(folder.resolve())
    assert not (folder / "hit").exists()


@given(text=st.text(max_size=200))
def test_whatever_it_writes_gives_a_version_or_a_reason(text: str) -> None:
    try:
        assert Version(version_in(text, r"(\S+)"))
    except ValueError as error:
        assert str(error).startswith("its answer holds no version")


def _read_to_end(descriptor: int) -> bytes:
    """What is in the pipe, once nobody holds its other end any more."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    read = b""
    while poll.poll(LONG_S * 1000):
        more = os.read(descriptor, 100)
        if not more:
            return read
        read += more
    raise TimeoutError("something still runs")
