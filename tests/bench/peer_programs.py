"""Other programs that make something of the same transcripts, each installed from PyPI into a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

INSTALL_LIMIT_S: Final = 180


@dataclass(frozen=True, slots=True)
class Peer:
    """A package of PyPI and its program of the same name, at a fixed version, so that two runs compare."""

    name: str
    version: str

    def program(self, cache: Path) -> Path:
        """Where the program is once it is installed."""
        return self.folder(cache) / "bin" / self.name

    def install(self, cache: Path) -> str:
        """Install it where it is not yet; empty, or why that failed, which is tried once in a run."""
        return "" if self.program(cache).exists() else _installed(self, cache)

    def folder(self, cache: Path) -> Path:
        """Its virtual environment."""
        return cache / "peers" / f"{self.name}-{self.version}-py{sys.version_info.major}.{sys.version_info.minor}"


CLAUDE_HANDOFF: Final = Peer("claude-handoff", "0.20.0")
CLAUDE_CODE_LOG: Final = Peer("claude-code-log", "1.7.0")
CLAUDE_CODE_TRANSCRIPTS: Final = Peer("claude-code-transcripts", "0.6")


@cache
def _installed(peer: Peer, place: Path) -> str:
    folder = peer.folder(place)
    folder.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    fetch = [*pip, "--retries", "1", f"{peer.name}=={peer.version}"]
    if not all(_succeeds(command) for command in ([sys.executable, "-m", "venv", str(folder)], fetch)):
        return f"not installed: {peer.name} {peer.version} could not be fetched from PyPI"
    return "" if peer.program(place).exists() else f"not installed: {peer.name} {peer.version} has no such program"


def _succeeds(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=INSTALL_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
