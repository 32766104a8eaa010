"""Daemons forked from a process that has loaded the program once: a start that costs milliseconds instead of seconds.

What a daemon reads, holds and writes is that of one started by its command; only the loading of modules is left out.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, Self

from carryover.daemon.main import main
from carryover.daemon.run import load_all
from chaos import skewed_daemon
from support.daemon_process import DaemonProcess

_RUNS: Final = "-"


class Nursery:
    """The process that forks, and is asked how its children ended."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.forked_daemon"],
            env={**env, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, question: str) -> str:
        """Returns the answer to a line."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """Ends it."""
        self._process.communicate()


class ForkedDaemon(DaemonProcess):
    """A daemon that a nursery forks."""

    def __init__(self, nursery: Nursery, env: dict[str, str]) -> None:
        super().__init__(env=env)
        self._nursery = nursery

    def start(self, *_arguments: str) -> Self:
        self._process = _Child(self._nursery)
        return self


class _Child(subprocess.Popen[bytes]):
    """The part of `Popen` that is used of a daemon."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self.pid = int(nursery.ask("start"))
        self.returncode: Any = None
        self._handle = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        if self.returncode is None and (answer := self._nursery.ask(str(self.pid))) != _RUNS:
            self.returncode = int(answer)
            os.close(self._handle)
        return None if self.returncode is None else int(self.returncode)

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired("a forked daemon", timeout or 0)
            select.select([self._handle], [], [], left)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, sig)

    def __del__(self, *_: object) -> None:
        pass


def _serve() -> None:
    load_all()
    for line in sys.stdin:
        if line.strip() == "start":
            answer = str(_fork())
        else:
            pid, status = os.waitpid(int(line), os.WNOHANG)
            answer = str(os.waitstatus_to_exitcode(status)) if pid else _RUNS
        print(answer, flush=True)


def _fork() -> int:
    pid = os.fork()
    if pid == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nowhere, number)
        os._exit(main([]))
    return pid


if __name__ == "__main__":
    time.time = skewed_daemon.skewed
    _serve()
