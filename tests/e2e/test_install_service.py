"""`carryover install` to `uninstall` with a real `systemd --user`, as a user's shell would call them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carryover.install.service import Ran
from support.agent_here import put_claude
from support.claude_session import ClaudeSession
from support.daemon_process import handoff_of, wait_until
from support.user_systemd import UserSystemd, missing

UNIT = "carryoverd.service"


@pytest.fixture
def systemd(home: Path) -> Iterator[UserSystemd]:
    if reason := missing():
        pytest.skip(f"no systemd to test with: {reason}")
    put_claude(home)
    with UserSystemd(home) as systemd:
        yield systemd


def carryover(systemd: UserSystemd, *arguments: str) -> Ran:
    env = {**systemd.env, "PATH": f"{systemd.env['HOME']}/bin:{systemd.env['PATH']}"}
    return systemd.run((sys.executable, "-m", "carryover.cli.main", *arguments), env=env, limit_s=90.0)


def status(systemd: UserSystemd) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(carryover(systemd, "status", "--json").out)
    return found


def test_one_command_and_it_runs_and_one_command_and_it_is_gone(
    systemd: UserSystemd, home: Path, project: Path, session: ClaudeSession
) -> None:
    session.prompt("Add a discount code to the basket page")

    installed = carryover(systemd, "install", "--yes")

    assert installed.ok, installed
    found = status(systemd)
    assert f"✓ carryoverd 0.1.0 runs as a systemd service (process {found['daemon']['pid']}" in installed.out
    assert (
        "Everything that your agents wrote so far has been read.\n  1 session in 1 project so far.\n" in installed.out
    )
    assert "discount code" in handoff_of(project)
    assert (found["service"]["installed"], found["service"]["enabled"], found["service"]["active"]) == (True,) * 3
    assert found["service"]["pid"] == found["daemon"]["pid"]

    refreshed = carryover(systemd, "refresh", "--yes")
    assert refreshed.out.startswith("Nothing changed: ")
    assert status(systemd)["daemon"]["pid"] == found["daemon"]["pid"]

    removed = carryover(systemd, "uninstall", "--purge")
    assert removed.ok, removed
    assert "The systemd service is stopped and removed.\n" in removed.out
    assert status(systemd)["service"]["installed"] is False
    assert not (home / ".carryover").exists()
    assert list((home / ".config").rglob("*")) == []


def test_a_service_that_was_stopped_and_disabled_is_found_and_repaired(systemd: UserSystemd) -> None:
    assert carryover(systemd, "install", "--yes").ok
    systemd.systemctl("disable", "--now", UNIT)

    doctor = json.loads(carryover(systemd, "doctor", "--json").out)
    assert [finding["what"] for finding in doctor["findings"] if finding["level"] == "wrong"][:2] == [
        "carryoverd is not running.",
        "The systemd service is not enabled.",
    ]

    carryover(systemd, "doctor", "--fix")
    wait_until("the daemon", lambda: status(systemd)["daemon"])
    assert status(systemd)["service"]["enabled"] is True
