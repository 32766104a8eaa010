"""Starts the processes that read ahead."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

# Only what an interpreter needs to find itself, and what decides how names of files are decoded.
_PASSED_ON: Final = (
    *("HOME", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONHOME", "PYTHONPATH", "PYTHONUTF8"),
    *("PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CARRYOVER_HOME"),
)


def start(python: str, processes: int) -> tuple[subprocess.Popen[bytes] | None, list[socket.socket]]:
    """Starts one process with `python`, which is to fork the others, and gives a channel to each of them.

    None and no channels where it cannot be started: no memory, no interpreter (a frozen program has none).
    """
    if not python or getattr(sys, "frozen", False):
        return None, []
    pairs: list[tuple[socket.socket, socket.socket]] = []
    process = None
    with contextlib.suppress(OSError):
        pairs += (socket.socketpair() for _ in range(processes))
        theirs = [their.fileno() for _, their in pairs]
        process = subprocess.Popen(
            [python, *_interpreter_options(), "-m", "carryover.ingest.worker", *map(str, theirs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            pass_fds=theirs,
        )
    for ours, their in pairs:
        their.close()
        if process is None:
            ours.close()
    return process, [ours for ours, _ in pairs] if process is not None else []


def _interpreter_options() -> Sequence[str]:
    """Those of this process that decide what is imported. Nothing is taken from the working folder."""
    flags = sys.flags
    given = {
        "-I": flags.isolated,
        "-E": flags.ignore_environment,
        "-s": flags.no_user_site,
        "-B": flags.dont_write_bytecode,
    }
    return ["-P", *(option for option, is_set in given.items() if is_set)]
