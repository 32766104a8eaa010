"""A real `carryoverd` process, as tests see it: started, asked over its socket, stopped or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from carryover.daemon.client import ask_daemon
from carryover.fsio import private_dir
from carryover.paths import StateDir
from support import as_darwin, forked

COMMAND: Final = forked.CARRYOVERD
STARTED: Final = ("env", *COMMAND)
LIMIT_S: Final = 60.0

T = TypeVar("T")


def wait_until(what: str, look: Callable[[], T | None], *, limit_s: float = LIMIT_S) -> T:
    """Returns the first result of `look` that is neither None nor False. Fails with `what` if there is none in time.

    The longer it takes, the less often `look` is called, since answering costs the daemon time, too.
    """
    began = time.monotonic()
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        waited = time.monotonic() - began
        if waited > limit_s:
            raise AssertionError(f"waited {limit_s:g} s in vain for {what}")
        time.sleep(min(max(0.005, waited / 8), 0.025))


def handoff_of(project: Path) -> str:
    """The handoff that lies in `project`, empty where there is none."""
    path = project / ".carryover" / "handoff.md"
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def differ_in(one: str, other: str) -> list[tuple[str, str]]:
    """The lines in which two handoffs differ, but for what git said last where, on a busy machine, it did not answer in
    time."""
    pairs = zip_longest(one.splitlines(), other.splitlines(), fillvalue="")
    return [pair for pair in pairs if pair[0] != pair[1] and "git did not answer in time" not in "".join(pair)]


def agree_to_pointers(state: StateDir) -> None:
    """Settings as after an install that was answered with pointers in projects. Without, a daemon writes none."""
    private_dir(state.root)
    state.config.write_text('[publish]\npointers = "shared"\n')


def daemon_below(home: Path) -> DaemonProcess:
    """One with a home folder of its own, for more than one test; it takes any port."""
    state = home / ".carryover"
    state.mkdir(mode=0o700)
    (state / "config.toml").write_text('[server]\nport = 0\n[publish]\npointers = "shared"\n')
    passed = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return DaemonProcess(env={"HOME": str(home), "CARRYOVER_HOME": str(state), "LANG": "C.UTF-8", **passed})


class DaemonProcess:
    """Runs below the `HOME` and `CARRYOVER_HOME` of the environment. As a context manager it is running inside."""

    def __init__(self, command: Sequence[str] = COMMAND, *, env: dict[str, str] | None = None) -> None:
        """Forked unless a `command` of another kind is given."""
        self.env = as_darwin.for_daemon(os.environ) if env is None else dict(env)
        self.state = StateDir.of(self.env, Path(self.env["HOME"]))
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *arguments: str, streams: tuple[int, int, int] | None = None) -> Self:
        self._process = forked.start([*self._command, *arguments], env=self.env, streams=streams)
        return self

    def wait_until_it_answers(self) -> Self:
        wait_until("an answer on the control socket", lambda: self.ask("GET", "/health"))
        return self

    def wait_until_caught_up(self) -> Self:
        """Returns once all was looked at that was there at its start."""
        wait_until("the first rescan", lambda: self.health()["caught_up"])
        return self

    @property
    def port(self) -> int:
        """That of hooks and the page, once it is open."""
        return int(wait_until("the port", lambda: self.health()["hook_port"]["port"]))

    def ask(self, method: str, target: str) -> dict[str, Any] | None:
        """The answer; None when nobody answers (any more)."""
        try:
            return ask_daemon(self.state.socket, method, target, timeout_s=LIMIT_S)
        except ConnectionError:
            return None

    def health(self) -> dict[str, Any]:
        answer = self.ask("GET", "/health")
        assert answer is not None, self.last_words()
        return answer

    def settle(self) -> dict[str, Any]:
        """Returns once everything that is complete on disk now has been read and published."""
        answer = self.ask("POST", "/settle")
        assert answer is not None, self.last_words()
        assert answer["caught_up"], answer
        return answer

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to stop; its exit code, and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(LIMIT_S)
        return code, time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)

    def log(self) -> list[str]:
        lines = self.state.log.read_text(encoding="utf-8").splitlines() if self.state.log.exists() else []
        return [line.partition(" ")[2] for line in lines]

    def last_words(self) -> str:
        return "\n".join([f"exit code {self.process.poll()}", *self.log()[-20:]])

    def __enter__(self) -> Self:
        return self.start().wait_until_it_answers()

    def __exit__(self, *_: object) -> None:
        if self.is_running:
            self.kill()
