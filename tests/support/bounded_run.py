"""Runs a command for a bounded time in a session of its own, so that what it started ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
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
    """Ends the command and its process group: first by SIGTERM, so that an agent can finish its transcript."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
