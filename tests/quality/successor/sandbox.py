"""Runs a command with a throw-away home and no settings of the user, and ends what it leaves behind.

This keeps the user's settings, keys and sessions out of the run. It is no jail: a command can read and write whatever
the user may, and reach the network.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_GRACE_S: Final = 5


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit status, None if its time was up."""

    status: int | None
    seconds: float
    log: Path

    @property
    def end_of_log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-1500:]


def environment(home: Path, passed: Sequence[str]) -> Mapping[str, str]:
    """Returns a fresh environment, with those variables of this one that the user named."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    ours = {"HOME": str(home), "TMPDIR": str(temporary), "LANG": "C.UTF-8", "TERM": "dumb", "CI": "1"}
    named = {name: os.environ[name] for name in passed if name in os.environ}
    return {"PATH": os.environ["PATH"], **ours, **named}


def run(
    command: str, folder: Path, env: Mapping[str, str], log: Path, seconds: float, stdin: Path | None = None
) -> Ran:
    """Runs a shell command in `folder`; what it prints is in `log`."""
    began = time.monotonic()
    with log.open("wb") as output, Path(stdin or os.devnull).open("rb") as given:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=env,
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
    return Ran(status, time.monotonic() - began, log)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the command and all of its process group: first politely, so that an agent can finish its transcript."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
