from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess


@pytest.fixture
def project(home: Path) -> Path:
    """A repository below the home folder, where handoffs may be published."""
    root = home / "work" / "shop"
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture
def transcripts(home: Path) -> Path:
    """Claude Code's folder of transcripts; it does not exist yet."""
    return home / ".claude" / "projects"


@pytest.fixture
def session(transcripts: Path, project: Path) -> ClaudeSession:
    """A session in `project` that has written nothing yet."""
    return ClaudeSession(transcripts, project)


@pytest.fixture
def daemon(home: Path) -> Iterator[DaemonProcess]:
    """A daemon that was not started yet; killed in the end if need be."""
    process = DaemonProcess()
    yield process
    if process._process is not None and process.process.poll() is None:
        process.kill()
