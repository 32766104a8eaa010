"""The handoff that a command prints is the same whether a running daemon makes it or the command itself."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from carryover.actions.sharing import compose
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir
from carryover.ledger.sessions import know_project
from carryover.past.context import state_dir, warn_once
from carryover.past.without_daemon import as_writer
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until
from support.recorded_shop import CHECKOUT, DISCOUNT, Run
from support.repository import git, repository
from support.socket_server import Behaviour, SocketServer, answer, close, half

CONFIG = "[server]\nport = 0\n"
LOADED = """
import argparse, sys
argparse.ArgumentParser().format_help()  # from Python 3.14 on it brings dataclasses
before = {*sys.modules}  # a Python whose lines are counted has loaded sqlite3 and asyncio for that
from carryover.faces.cli.main import main
main()
print(*sorted({*sys.modules} - before), file=sys.stderr)
"""


@pytest.fixture
def without_git(shop: Path) -> None:
    """What git says of a project is left out where git does not answer at once, as on a busy machine."""
    shutil.rmtree(shop / ".git")


@contextmanager
def running() -> Iterator[DaemonProcess]:
    """A daemon that has read what is in the projects."""
    private_dir(state_dir().root)
    state_dir().config.write_text(CONFIG)
    with DaemonProcess() as process:
        yield process.wait_until_caught_up()


@pytest.fixture
def daemon(shop: Path) -> Iterator[DaemonProcess]:
    with running() as process:
        yield process


@pytest.mark.usefixtures("without_git")  # before the daemon starts
def test_each_form_of_it_is_the_same_byte_for_byte(daemon: DaemonProcess, shop: Path, run: Run) -> None:
    forms = ((), ("--json",), ("--why",), ("--tokens", "4000"), ("--session", DISCOUNT))
    given = daemon.ask("POST", f"/handoff?root={quote(str(shop))}")
    by_daemon = [run("handoff", str(shop), *form) for form in forms]
    daemon.stop()

    assert given is not None and "Wire discount into checkout" in given["text"]
    assert by_daemon == [run("handoff", str(shop), *form) for form in forms]
    assert {(code, err) for code, _, err in by_daemon} == {(ExitCode.OK, "")}
    assert len(set(by_daemon)) == len(forms)


def test_so_are_refusals_and_warnings(shop: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    other = repository(home / "other", {"a.py": "a = 1\n"})
    ClaudeSession(home / ".claude" / "projects", other).prompt("Look around")
    worktree = home / "tree"
    git(shop, "worktree", "add", "--quiet", str(worktree))
    (home / "new").mkdir()
    monkeypatch.setenv("PATH", str(home / "bin"))  # without git, which on a busy machine may or may not answer in time

    def said() -> list[tuple[int, str, str]]:
        warn_once.cache_clear()  # as in a process of its own
        sessions = (("--session", CHECKOUT), ("--session", "no"))
        found = [run("handoff", str(worktree)), run("handoff", str(home / "new"))]
        found += [run("handoff", str(other), *session) for session in sessions]
        for settings in (f'{CONFIG}[projects]\nexclude = ["{shop}"]\n', "[resume\n"):
            state_dir().config.write_text(settings)
            found += [run("handoff", str(root)) for root in (shop, worktree)]
        state_dir().config.write_text(CONFIG)
        return found

    with running() as daemon:
        by_daemon = said()
        daemon.stop()

    assert by_daemon == said()
    nothing = ExitCode.NOTHING_FOUND
    assert [code for code, _, _ in by_daemon] == [0, nothing, nothing, nothing, *[ExitCode.REFUSED] * 2, 0, 0]
    assert "Wire discount into checkout" in by_daemon[0][1], "the main checkout's, for a fresh worktree"
    assert all(f"{shop} is left out of Carryover" in said for _, _, said in by_daemon[4:6])
    assert "use the defaults" in by_daemon[6][2]


def test_what_was_just_written_is_in_it(daemon: DaemonProcess, home: Path, run: Run) -> None:
    fresh = repository(home / "fresh", {"a.py": "a = 1\n"})
    ClaudeSession(home / ".claude" / "projects", fresh).prompt("Write the invoice module")

    assert "Write the invoice module" in run.out("handoff", str(fresh))


@pytest.mark.usefixtures("daemon")
def test_the_command_loads_nothing_that_makes_a_handoff(shop: Path) -> None:
    command = [sys.executable, "-c", LOADED, "handoff", str(shop)]

    def loaded() -> set[str] | None:
        """None where the daemon, on a busy machine, did not answer in time, so that the command made it."""
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("# [CARRYOVER] Last updated ")
        modules = set(done.stderr.split())
        return modules if "carryover.publish.make" not in modules else None

    modules = wait_until("a handoff that the daemon made", loaded)
    assert "carryover.daemon.client" in modules
    assert not {"carryover.redact", "carryover.distill", "sqlite3", "asyncio"} & modules
    assert not {"carryover.daemon.health", "carryover.probe.git_command", "dataclasses", "subprocess"} & modules


def test_without_work_the_folders_and_worktrees_with_work_are_named(recorded: Path, home: Path, run: Run) -> None:
    """Who works in worktrees or submodules alone asks in the main checkout first."""
    main, tree = repository(home / "main", {"a.py": "a = 1\n"}), home / "other tree"
    git(main, "worktree", "add", "--quiet", "-b", "other", str(tree))
    ClaudeSession(home / ".claude" / "projects", tree).prompt("Look around")
    run("handoff", str(tree))

    said = [run.err(ExitCode.NOTHING_FOUND, "handoff", str(place)) for place in (main, home)]

    near = "There is work in its subfolders or other worktrees: "
    assert f"{near}`carryover handoff '{tree}'`. `carryover sessions" in said[0]
    below = "There is work in its subfolders: "
    assert f"{below}`carryover handoff '{tree}'`, `carryover handoff {recorded}`. " in said[1]

    state_dir().config.write_text(f'[projects]\nexclude = ["{tree}"]\n')  # its handoff is refused
    assert near not in run.err(ExitCode.NOTHING_FOUND, "handoff", str(main))
    below = f"There is work in its subfolders: `carryover handoff {recorded}`. "
    assert below in run.err(ExitCode.NOTHING_FOUND, "handoff", str(home))


@pytest.mark.usefixtures("recorded")
def test_without_work_the_other_worktrees_of_a_bare_repository_are_named(home: Path, run: Run) -> None:
    """It has no main checkout that would name them."""
    bare = home / "store" / ".bare"
    git(repository(home / "from", {"a.py": "a = 1\n"}), "clone", "--quiet", "--bare", ".", str(bare))
    for name in ("a", "b"):
        git(bare, "worktree", "add", "--quiet", "-b", f"feature-{name}", str(bare.with_name(name)))
    ClaudeSession(home / ".claude" / "projects", bare.with_name("a")).prompt("Look around")
    run("handoff", str(bare.with_name("a")))

    said = run.err(ExitCode.NOTHING_FOUND, "handoff", str(bare.with_name("b")))

    assert f"other worktrees: `carryover handoff {bare.with_name('a')}`. " in said


def test_where_a_session_has_only_started_a_worktree_has_nothing_of_an_excluded_checkout(
    recorded: Path, home: Path, run: Run
) -> None:
    worktree = str(home / "tree")
    git(recorded, "worktree", "add", "--quiet", worktree)
    as_writer(lambda ledger, _: ledger.write(know_project, worktree, str(recorded)))
    for last in ((), ("--session", "last")):
        assert "Wire discount into checkout" in run("handoff", worktree, *last)[1]
    state_dir().config.write_text(f'[projects]\nexclude = ["{recorded}"]\n')

    for command in (("handoff", worktree), ("export", "--for", "chatgpt", worktree)):
        assert f"{recorded} is left out of Carryover" in run.err(ExitCode.REFUSED, *command)
    with pytest.raises(UserError, match="is left out of Carryover"):
        compose(worktree, None)


OTHER_VERSIONS: dict[str, Behaviour] = {
    "no such route": answer(404, b'{"error": "Not Found"}'),
    "another answer": answer(200, b'{"root": 1}'),
    "the answer of a former version": answer(200, b'{"made": {"root": 1}, "caught_up": true}'),
    "it ends meanwhile": close,
    "half an answer": half(b'{"text"', then_hang=False),
}


@pytest.mark.parametrize("behaviour", OTHER_VERSIONS.values(), ids=OTHER_VERSIONS)
def test_where_no_daemon_of_this_version_answers_the_command_makes_it(
    behaviour: Behaviour, recorded: Path, run: Run
) -> None:
    server: SocketServer

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        is_asked = server.requests[-1].line.startswith("POST /handoff")
        (behaviour if is_asked else answer(200, b'{"caught_up": true, "sessions": 0}'))(connection, stop)

    server = SocketServer(state_dir().socket, behave)
    with server:
        out = run.out("handoff", str(recorded))

    assert "Wire discount into checkout" in out
    assert server.requests[0].line.startswith("POST /handoff?root=")
