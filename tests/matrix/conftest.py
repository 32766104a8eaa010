"""One daemon for all cells of the matrix; each has a project of its own, so a leak from one into another would show."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.daemon_process import DaemonProcess, daemon_below, wait_until
from support.hook_client import HookClient

FILES = {"pricing.py": "def discount(price, percent):\n    return price\n", "docs/notes.md": "nothing\n"}


@dataclass(frozen=True, slots=True)
class World:
    """A home folder, a daemon, and what calls it."""

    home: Path
    daemon: DaemonProcess
    hooks: HookClient

    def project(self, name: str) -> Path:
        """A repository with a file to work on."""
        root = self.home / "work" / name
        for path, text in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        return root

    def command(self, *arguments: str) -> Any:
        """Returns the data that `carryover` prints."""
        command = [sys.executable, "-m", "carryover.cli.main", *arguments]
        done = subprocess.run(command, env=self.daemon.env, capture_output=True, check=False)
        return json.loads(done.stdout)

    def ago(self, minutes: float = 5) -> datetime:
        """Sessions of the past: what hooks tell happens now, and nothing that is read must be later than that."""
        return datetime.now(UTC) - timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("matrix")
    with daemon_below(home) as daemon:
        wait_until("the first sweep", lambda: daemon.health()["caught_up"])
        yield World(home, daemon, HookClient(daemon.state.socket))
