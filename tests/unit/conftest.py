"""A ledger below the home folder of the test, and a scribe who fills it as ingest would."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carryover.ledger.connect import connect_read_only
from carryover.ledger.store import Ledger
from support.recorded_shop import Run
from support.scribe import Scribe, writing


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are shown in local time; here that is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def ledger_path(home: Path) -> Path:
    return home / ".carryover" / "ledger.sqlite"


@pytest.fixture
async def scribe(ledger_path: Path) -> AsyncIterator[Scribe]:
    async with writing(ledger_path) as scribe:
        yield scribe


@pytest.fixture
def ledger(scribe: Scribe) -> Ledger:
    return scribe.ledger


@pytest.fixture
def reading(ledger_path: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Opens read-only connections to the ledger, and closes them at the end."""
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(connect_read_only(ledger_path))
        return opened[-1]

    yield connect
    for db in opened:
        db.close()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines of the programs that this process has started."""
    lines: list[list[str]] = []
    popen = subprocess.Popen

    def noted(line: list[str], *given: Any, **settings: Any) -> subprocess.Popen[Any]:
        lines.append(line)
        return popen(line, *given, **settings)

    monkeypatch.setattr(subprocess, "Popen", noted)
    return lines


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)
