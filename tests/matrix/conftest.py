"""One daemon for all cells of a test; each has a project of its own, so a leak from one into another would show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.daemon_process import DaemonProcess, daemon_below, wait_until
from support.forked import carryover
from support.hook_client import HookClient
from support.repository import repository

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
        return repository(root)

    def command(self, *arguments: str) -> Any:
        """Returns the data that `carryover` prints."""
        return json.loads(carryover(*arguments, env=self.daemon.env).stdout)

    def ago(self, minutes: float = 5) -> datetime:
        """Sessions of the past: what hooks tell happens now, and nothing that is read must be later than that."""
        return datetime.now(UTC) - timedelta(minutes=minutes)


class Worlds:
    """One world at a time: another test function gets another. What a daemon does grows with what it has seen."""

    def __init__(self, make_home: Callable[[str], Path]) -> None:
        self._make_home = make_home
        self._stack = ExitStack()
        self._name = ""

    def of(self, name: str) -> World:
        if name != self._name:
            self.close()
            daemon = self._stack.enter_context(daemon_below(self._make_home("matrix")))
            wait_until("the first sweep", lambda: daemon.health()["caught_up"])
            home = Path(daemon.env["HOME"])
            self._name, self._world = name, World(home, daemon, HookClient(daemon.state.socket))
        return self._world

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    with closing(Worlds(tmp_path_factory.mktemp)) as worlds:
        yield worlds


@pytest.fixture
def world(worlds: Worlds, request: pytest.FixtureRequest) -> World:
    return worlds.of(request.node.originalname)
