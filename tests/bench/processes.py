"""Processes beside ours: the real daemon in a throw-away home, and a daemon without a job."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carryover.daemon.client import ask_daemon
from carryover.paths import StateDir

from .measure import memory
from .process_tree import processes_of, processor_s

WAIT_S: Final = 1800.0
"""Longer than any step takes: 2 GB are read in some minutes, on a busy machine in more."""
STOP_S: Final = 15.0

CONFIG: Final = "[server]\nport = 0\n"
"""Any free port, so that an installed daemon may run beside."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and those below it took while they were watched. None where there is no /proc."""

    rss_bytes: int | None
    cpu_percent: float | None


@dataclass(frozen=True, slots=True)
class Process:
    """A running process and the moment before it was started (`time.perf_counter`)."""

    popen: subprocess.Popen[bytes]
    started_s: float
    socket: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait_until(self, done: Callable[[], bool], *, every_s: float) -> float:
        """Wait until `done`; seconds since the start. Raises RuntimeError when the process has ended by itself."""
        deadline_s = time.monotonic() + WAIT_S
        while not done():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"nothing came of it within {WAIT_S:.0f} s")
            self.check()
            time.sleep(every_s)
        return time.perf_counter() - self.started_s

    def wait_answering(self) -> float:
        """Wait until the process listens; seconds since the start."""
        return self.wait_until(self.socket.exists, every_s=0.002)

    def check(self) -> None:
        if self.popen.poll() is not None:
            words = self.socket.with_suffix(".out").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"a process ended by itself ({self.popen.returncode}). Its last words:\n{words}")

    def health(self) -> dict[str, Any] | None:
        return ask_daemon(self.socket, "GET", "/health", timeout_s=10.0)

    def wait_caught_up(self) -> float:
        """Wait until everything on disk was read; seconds since the start."""
        return self.wait_until(self.is_caught_up, every_s=0.1)

    def is_caught_up(self) -> bool:
        return bool((self.health() or {}).get("caught_up"))


def environment(home: Path) -> dict[str, str]:
    """Variables for programs that are to see `home` and nothing of the machine's settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "CARRYOVER_HOME": str(home / ".carryover"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
    }


def fresh_state(home: Path) -> StateDir:
    """The state folder of `home`, with nothing in it but a config; what was there goes."""
    state = StateDir(home / ".carryover")
    if state.root.exists():
        state.root.rename(home / f"old-state-{time.monotonic_ns()}")
    state.root.mkdir(mode=0o700)
    state.config.write_text(CONFIG, encoding="utf-8")
    return state


@contextmanager
def daemon(home: Path) -> Iterator[Process]:
    """The real `carryoverd`, from before its start until it has stopped in order."""
    state = StateDir(home / ".carryover")
    with _running([sys.executable, "-m", "carryover.cli.carryoverd"], environment(home), state.socket) as process:
        yield process


@contextmanager
def bare_daemon(folder: Path) -> Iterator[Process]:
    """A process with an event loop, a server, a database and a watcher, and no job."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "bare.sock"
    program = Path(__file__).with_name("bare_daemon.py")
    command = [sys.executable, str(program), str(folder / "watched"), str(socket)]
    with _running(command, environment(folder), socket) as process:
        yield process


def usage(processes: Sequence[Process], seconds: float) -> list[Usage]:
    """What each process uses while nothing happens for `seconds`, all watched at the same time."""
    before = [processor_s(process.pid) for process in processes]
    time.sleep(seconds)
    after = [processor_s(process.pid) for process in processes]
    return [
        Usage(_rss(process.pid), None if was is None or now is None else (now - was) / seconds * 100)
        for process, was, now in zip(processes, before, after, strict=True)
    ]


def _rss(pid: int) -> int | None:
    sizes = [size for each in processes_of(pid) if (size := memory(each, "VmRSS")) is not None]
    return sum(sizes) if sizes else None


@contextmanager
def _running(command: Sequence[str], env: Mapping[str, str], socket: Path) -> Iterator[Process]:
    started_s = time.perf_counter()
    with socket.with_suffix(".out").open("wb") as stream:
        process = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        running = Process(process, started_s, socket)
        yield running
        running.check()
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
