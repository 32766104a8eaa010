"""What `carryover status` asks of a running daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.daemon_process import DaemonProcess
from support.tools import program


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
