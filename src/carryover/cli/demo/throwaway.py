"""A real daemon whose state is in a throw-away folder, beside whatever daemon the user may have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carryover.config import handoff_folder
from carryover.daemon.client import ask_daemon
from carryover.errors import UserError
from carryover.ledger.queries import connect_read_only, totals
from carryover.paths import StateDir
from carryover.projects.handoff_file import HANDOFF

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 15.0
ANSWER_LIMIT_S: Final = 10.0
POLL_S: Final = 0.05

CONFIG: Final = """\
[publish]
folder = "{handoffs}"

[server]
port = 0
"""
"""Handoffs go to a separate folder, nothing is written into any project, no other daemon's port is taken."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the daemon has recorded by now."""

    sources: int = 0
    events: int = 0
    redactions: int = 0


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """The folder that holds everything of a demo."""

    root: Path

    @property
    def state(self) -> StateDir:
        """The state folder of the demo."""
        return StateDir(self.root / "state")

    @property
    def handoffs(self) -> Path:
        """The folder that the demo publishes handoffs to."""
        return self.root / "handoffs"

    def prepare(self) -> None:
        """Make the state folder, with a config that keeps every project untouched."""
        self.state.root.mkdir(mode=0o700)
        self.state.config.write_text(CONFIG.format(handoffs=self.handoffs), encoding="utf-8")

    def published(self, project: str) -> str | None:
        """The handoff that the daemon wrote for the project at that root, None while there is none."""
        try:
            return (handoff_folder(Path(project), str(self.handoffs)) / HANDOFF).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def counts(self) -> Counts:
        """What the ledger of the demo holds."""
        if not self.state.ledger.exists():
            return Counts()
        with closing(connect_read_only(self.state.ledger)) as ledger:
            found = totals(ledger)
        return Counts(sources=found.sources, events=found.events, redactions=sum(found.redactions.values()))

    @contextmanager
    def running_daemon(self, env: Mapping[str, str]) -> Iterator[None]:
        """A daemon process that answers when the block begins and has stopped when it ends."""
        with self._output.open("wb") as output:
            # In a separate session: Ctrl-C reaches only us, and we stop it in order.
            process = subprocess.Popen(
                [sys.executable, "-m", "carryover.cli.carryoverd"],
                env={**env, "CARRYOVER_HOME": str(self.state.root)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers(process)
            yield
        finally:
            _stop(process)

    def health(self) -> dict[str, Any]:
        """What the daemon says of itself now. Raises UserError when it is gone."""
        answer = self._ask("GET", "/health")
        if answer is None:
            raise UserError(f"The daemon of the demo ended. Its last output:\n{self._last_output()}")
        return answer

    def settle(self) -> None:
        """Return when the daemon has read and published everything that is on disk now."""
        self._ask("POST", "/settle")

    def _ask(self, method: str, target: str) -> dict[str, Any] | None:
        try:
            return ask_daemon(self.state.socket, method, target, timeout_s=ANSWER_LIMIT_S)
        except TimeoutError as error:
            raise UserError(
                f"The daemon of the demo does not answer. Its last output:\n{self._last_output()}"
            ) from error

    @property
    def _output(self) -> Path:
        return self.root / "daemon.out"

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline_s = time.monotonic() + START_LIMIT_S
        while self._ask("GET", "/health") is None:
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise UserError(f"The daemon of the demo did not start. Its last output:\n{self._last_output()}")
            time.sleep(POLL_S)

    def _last_output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")[-2000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
