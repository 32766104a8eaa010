"""Stands in for macOS's launchd and `launchctl`: one user's agents, on a clock that only a test moves.

No Mac was at hand. It follows launchd.plist(5) and launchctl(1) of macOS 13, and what is reported of it: an agent
that ended is started again at the earliest `ThrottleInterval` after its last start, and a bootstrap soon after a
bootout is refused.
"""

from __future__ import annotations

import os
import plistlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from carryover.install.service import Ran
from carryover.install.service_managers import LABEL

DOMAIN: Final = f"gui/{os.getuid()}"
TARGET: Final = f"{DOMAIN}/{LABEL}"
_REFUSED: Final = Ran(
    5, err="Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.\n"
)
_UNKNOWN: Final = Ran(113, err=f'Could not find service "{LABEL}" in domain for user gui\n')


class Started(Protocol):
    """A process that launchd has started."""

    pid: int

    def stop(self) -> int:
        """Ends it with SIGTERM and returns its exit code."""


@dataclass
class Numbered:
    """No process, but its number."""

    pid: int
    code: int = 0

    def stop(self) -> int:
        return self.code


@dataclass
class _Job:
    values: Mapping[str, Any]
    process: Started | None = None
    started_s: float | None = None
    due_s: float | None = None
    """When it is started, if it waits for that."""
    exit_code: int | None = None


@dataclass
class Launchd:
    """`run` stands in for `run_command`, `sleep` for `time.sleep`."""

    code: int = 0
    """The exit code of an agent that is stopped."""
    settles_s: float = 0.0
    """How long after a bootout a bootstrap is refused."""
    spawn: Callable[[Mapping[str, Any]], Started] | None = None
    """Starts what a property list says; default: only counts."""
    has_session: bool = True
    """Whether the user is logged in at the screen."""
    asked: list[str] = field(default_factory=list)
    """What launchctl was asked to do; questions left out."""
    now_s: float = 1000.0
    job: _Job | None = None
    disabled: bool = False
    _settled_s: float = 0.0
    _pid: int = 4710

    def manager_env(self, folder: Path) -> dict[str, str]:
        """An environment in which there is a `launchctl`."""
        folder.mkdir(exist_ok=True)
        (folder / "launchctl").touch(0o755)
        return {"PATH": f"{folder}:/usr/bin:/bin"}

    @property
    def pid(self) -> int | None:
        return self.job.process.pid if self.job is not None and self.job.process is not None else None

    @property
    def arguments(self) -> list[str]:
        """The command line that it knows; empty if it does not know the agent."""
        return list(self.job.values["ProgramArguments"]) if self.job is not None else []

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.job is not None and self.job.due_s is not None and self.job.due_s <= self.now_s:
            self._start(self.job)

    def ends(self, code: int) -> None:
        """The agent ends by itself."""
        assert self.job is not None
        self._ended(self.job, code)

    def log_in(self) -> None:
        """The user logs out and in again."""
        if self.job is not None and self.job.process is not None:
            self.job.process.stop()
        self.job = None
        for path in (Path.home() / "Library" / "LaunchAgents").glob("*.plist"):
            if not self.disabled:
                self._load(path)

    def run(self, command: Sequence[str], *, env: Mapping[str, str], limit_s: float) -> Ran:
        program, verb, *words = command
        assert program == "launchctl"
        if not verb.startswith("print"):
            self.asked.append(" ".join((verb, *words)))
        answer: Ran = getattr(self, f"_{verb.replace('-', '_')}")(*words)
        return answer

    def _print(self, target: str) -> Ran:
        if not self.has_session:
            return Ran(125, err=f"Could not print domain: 125: Domain does not support specified action ({DOMAIN})\n")
        if target == DOMAIN:
            return Ran(0, f"{DOMAIN} = {{\n\ttype = login\n}}\n")
        if self.job is None:
            return _UNKNOWN
        pid = f"\tpid = {self.pid}\n" if self.pid is not None else ""
        code = "(never exited)" if self.job.exit_code is None else self.job.exit_code
        more = "\tspawn type = daemon (3)\n\tproperties = {\n\t\tpid = 1\n\t}\n}\n"
        return Ran(0, f"{TARGET} = {{\n\tactive count = 1\n{pid}\tlast exit code = {code}\n{more}")

    def _print_disabled(self, domain: str) -> Ran:
        state = "disabled" if self.disabled else "enabled"
        return Ran(0, f'\tdisabled services = {{\n\t\t"{LABEL}" => {state}\n\t}}\n')

    def _enable(self, target: str) -> Ran:
        self.disabled = False
        return Ran(0)

    def _disable(self, target: str) -> Ran:
        self.disabled = True
        return Ran(0)

    def _bootstrap(self, domain: str, path: str) -> Ran:
        if self.job is not None or self.disabled or self.now_s < self._settled_s:
            return _REFUSED
        self._load(Path(path))
        return Ran(0)

    def _bootout(self, target: str) -> Ran:
        if self.job is None:
            return Ran(3, err="Boot-out failed: 3: No such process\n")
        if self.job.process is not None:
            self.job.process.stop()
        self.job, self._settled_s = None, self.now_s + self.settles_s
        return Ran(0)

    def _kickstart(self, *words: str) -> Ran:
        if self.job is None:
            return _UNKNOWN
        if "-k" in words and self.job.process is not None:
            self._ended(self.job, self.job.process.stop())
        self._start_in_time(self.job)
        return Ran(0)

    def _kill(self, signal: str, target: str) -> Ran:
        if self.job is None or self.job.process is None:
            return Ran(3, err="No process to signal.\n")
        self._ended(self.job, self.job.process.stop())
        return Ran(0)

    def _load(self, path: Path) -> None:
        self.job = _Job(plistlib.loads(path.read_bytes()))
        if self.job.values.get("RunAtLoad"):
            self._start(self.job)

    def _ended(self, job: _Job, code: int) -> None:
        job.process, job.exit_code = None, code
        keeps = job.values["KeepAlive"]
        if keeps is True or (isinstance(keeps, dict) and keeps["SuccessfulExit"] == (code == 0)):
            self._start_in_time(job)

    def _start_in_time(self, job: _Job) -> None:
        if job.process is not None:
            return
        earliest_s = (job.started_s or 0.0) + job.values.get("ThrottleInterval", 10)
        if earliest_s <= self.now_s:
            self._start(job)
        else:
            job.due_s = earliest_s

    def _start(self, job: _Job) -> None:
        self._pid += 1
        job.started_s, job.due_s = self.now_s, None
        job.process = self.spawn(job.values) if self.spawn is not None else Numbered(self._pid, self.code)
