"""Commands that a running daemon answers: what they print is what they find out by themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess
from support.tools import program

BY_ITSELF: Final = """
import sys
from carryover.cli import main
main.answered_by_daemon = lambda _arguments: None
sys.exit(main.main(sys.argv[1:]))
"""
ASKING: Final = """
import sys
from carryover.cli import main
code = main.main(sys.argv[1:])
heavy = {"aiohttp", "aiosqlite", "asyncio", "git", "msgspec", "sqlite3", "tomllib", "tree_sitter"}
print(*sorted(heavy & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""

_MOVING: Final = re.compile(
    r'(?<="uptime_s": )[\d.]+|(?<="last_sweep_ms": )\d+|(?<="rss_bytes": )\d+'
    r"|\bjust now|\b\d+ s\b(?: ago)?|[\d.]+ MB of memory"
)


def run(
    daemon: DaemonProcess, session: ClaudeSession, program: str, *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], env=daemon.env, cwd=session.cwd, capture_output=True, timeout=60
    )


@pytest.mark.parametrize(
    "arguments", [("handoff",), ("handoff", "--raw"), ("sessions",), ("sessions", "--all")], ids=" ".join
)
def test_the_daemon_answers_byte_for_byte_what_the_command_finds_out(
    shared: DaemonProcess, shared_session: ClaudeSession, arguments: tuple[str, ...]
) -> None:
    shared_session.now -= timedelta(seconds=90)  # a time in the future would be shown as now, which moves on
    shared_session.prompt("Bake a cake with étoiles, then write it down.")
    shared.settle()

    asked = run(shared, shared_session, ASKING, *arguments)
    found = run(shared, shared_session, BY_ITSELF, *arguments)

    assert asked.returncode == found.returncode
    assert asked.stdout.decode().splitlines() == found.stdout.decode().splitlines()
    assert b"cake" in asked.stdout
    assert asked.stderr.split() == [], "what the daemon has answered needs none of these modules"
    assert found.stderr == b""


def test_in_another_environment_the_command_finds_out_by_itself(
    shared: DaemonProcess, shared_session: ClaudeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_session.now -= timedelta(seconds=90)
    shared_session.prompt("Bake a cake")
    monkeypatch.setitem(shared.env, "TZ", "Asia/Tokyo")

    asked = run(shared, shared_session, ASKING, "handoff")

    assert b"cake" in asked.stdout
    assert b"msgspec" in asked.stderr


def test_where_nothing_is_recorded_the_command_says_so_itself(
    shared: DaemonProcess, shared_session: ClaudeSession
) -> None:
    asked = run(shared, shared_session, ASKING, "handoff")

    assert asked.returncode == 3
    assert b"No agent's work is recorded" in asked.stderr


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["for people", "as data"])
def test_the_daemon_answers_status_as_the_command_finds_it_out(
    shared: DaemonProcess, shared_session: ClaudeSession, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_session.now -= timedelta(hours=30, minutes=30)
    shared_session.prompt("Bake a cake with étoiles.")
    shared.settle()
    monkeypatch.setitem(shared.env, "FORCE_COLOR", "1")

    asked = run(shared, shared_session, ASKING, "status", *form)
    found = run(shared, shared_session, BY_ITSELF, "status", *form)

    assert (asked.returncode, found.returncode) == (0, 0)
    assert lasting(asked.stdout) == lasting(found.stdout)
    assert asked.stderr.split() == [], "what the daemon has answered needs none of these modules"


def lasting(status: bytes) -> list[str]:
    """The lines without the numbers that change from one answer to the next."""
    return [_MOVING.sub("#", line) for line in status.decode().splitlines()]


def test_status_asks_an_agent_for_its_version_once_until_it_is_updated(shared: DaemonProcess, tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def update(version: str) -> None:
        program(tmp_path / "bin" / "claude", f"echo called >> {calls}", f"echo {version}")

    def shown() -> tuple[bool, int]:
        env = {**shared.env, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{shared.env['PATH']}"}
        command = [sys.executable, "-m", "carryover.cli.main", "status"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
        return version in done.stdout, len(calls.read_text().splitlines())

    (tmp_path / "bin").mkdir()
    seen = []
    for version in ("2.1.301", "2.1.3021"):
        update(version)
        seen += [shown(), shown()]

    assert seen == [(True, 1), (True, 1), (True, 2), (True, 2)]
