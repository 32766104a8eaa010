"""What all service managers have in common, and what they start."""

from __future__ import annotations

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.fsio import write_if_changed
from carryover.install.machine import program_at

ServiceKind = Literal["systemd", "launchd", "none"]
"""What starts the daemon; none: no service manager can."""

DAEMON_COMMAND: Final = "carryoverd"
COMMAND_S: Final = 10.0
"""How long a service manager may take to answer."""
STANDARD_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
"""The folders in which the daemon looks for commands, wherever git is."""
_LEAST_PATH: Final = "/usr/bin:/bin"
"""The folders in which every service manager looks for commands; launchd has others for administrators alone."""


class Program(msgspec.Struct, frozen=True):
    """What the service runs: an absolute command line, and variables that the user's shell has but a service lacks."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = {}


def this_program(env: Mapping[str, str], state: Path, *, standard_path: str = STANDARD_PATH) -> Program:
    """Returns how a service starts this installation's daemon. The `state` folder is passed on only if `CARRYOVER_HOME`
    named it, and a PATH only if the user's git is elsewhere."""
    from carryover.how_installed import own_command  # not at the top: `status` starts nothing

    environment = {"CARRYOVER_HOME": str(state)} if env.get("CARRYOVER_HOME") else {}
    git = _found_in(env.get("PATH", ""), "git")
    if git is not None and git != _found_in(_LEAST_PATH, "git"):
        environment["PATH"] = f"{git.parent}:{standard_path}"
    return Program(own_command(DAEMON_COMMAND, "carryover.faces.cli.carryoverd"), environment)


def _found_in(folders: str, command: str) -> Path | None:
    """Returns the first program of that name in `folders`, a PATH; None if there is none."""
    paths = (Path(folder) / command for folder in folders.split(os.pathsep) if folder)
    return next((path for path in paths if program_at(path) is not None), None)


class Ran(msgspec.Struct, frozen=True):
    """The result of a command. `code` is None if it could not be run or timed out (`err` says which)."""

    code: int | None
    out: str = ""
    err: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.code == 0

    def reason(self) -> str:
        """The first line of its output. The rest is advice, such as to try as root (launchctl), which is wrong here."""
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[0].strip().rstrip(".") if lines else f"exit code {self.code}"


Run = Callable[..., Ran]


def run_command(command: Sequence[str], *, env: Mapping[str, str], limit_s: float = COMMAND_S) -> Ran:
    """Runs `command` without a shell and without input, for at most `limit_s`."""
    try:
        ran = subprocess.run(
            command, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Ran(None, err=f"no answer from {command[0]} within {limit_s:g} s")
    except OSError as error:
        return Ran(None, err=f"{command[0]}: {error.strerror}")
    return Ran(ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The current state of the service. None means that the service manager does not report it."""

    kind: ServiceKind
    installed: bool
    """Whether the service file exists."""
    enabled: bool | None = None
    """Whether it starts when the user logs in (or at boot, with lingering)."""
    active: bool | None = None
    pid: int | None = None
    restarts: int | None = None
    """How often the service manager has restarted it after a failure."""
    trouble: str | None = None
    """Why it does not run as it should, as a sentence."""
    hint: str | None = None
    """Something that the user may want to know or do; not an error."""


class ServiceManager(ABC):
    """Runs the daemon for one user: a command tells it what to do with the service that a file describes. Every method
    blocks for a bounded time."""

    kind: ServiceKind
    stop_lasts = False
    """Whether what was stopped is not started again at the next login."""
    path: Path
    _command: tuple[str, ...]
    _says_more: str
    """The command that tells the user more about a failure."""

    def __init__(self, env: Mapping[str, str], run: Run) -> None:
        self._env = env
        self._run = run

    @abstractmethod
    def available(self) -> str | None:
        """Returns None if it can be used now; otherwise the reason, as a sentence for the user: in a container, in WSL
        without systemd, or in a remote shell without a session, nothing starts programs for the user."""

    @abstractmethod
    def file(self, program: Program) -> tuple[Path, bytes]:
        """Returns the path and the content of the file that `install` writes."""

    @abstractmethod
    def install(self, program: Program) -> bool:
        """Registers the service so that it starts automatically from now on; returns whether anything changed. Does not
        start it; a running one is left alone until `restart`. Raises UserError, OSError."""

    @abstractmethod
    def start(self) -> None:
        """Starts the service and returns once it answers. Does nothing if it is already running. Raises UserError."""

    @abstractmethod
    def stop(self) -> None:
        """Stops the service and returns once it has ended. Raises UserError."""

    @abstractmethod
    def restart(self) -> None:
        """Restarts the service, or starts it if it is not running. Raises UserError."""

    @abstractmethod
    def status(self) -> ServiceStatus:
        """Returns what is known about the service. Changes nothing, raises nothing."""

    @abstractmethod
    def uninstall(self) -> bool:
        """Stops and unregisters the service, even if its manager does not answer; returns whether there was one."""

    def _write(self, program: Program) -> bool:
        path, content = self.file(program)
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_if_changed(path, content, mode=0o644)

    def _tell(self, *arguments: str, limit_s: float = COMMAND_S) -> Ran:
        return self._run((*self._command, *arguments), env=self._env, limit_s=limit_s)

    def _must(self, *arguments: str, doing: str, limit_s: float = COMMAND_S, code: ExitCode = ExitCode.FAILED) -> None:
        ran = self._tell(*arguments, limit_s=limit_s)
        if not ran.ok:
            why = self._failure() or f"{ran.reason()}."
            raise UserError(f"{self.kind} could not {doing}. {why} `{self._says_more}` says more.", code)

    def _failure(self) -> str | None:
        """Returns more than the command said about why the service does not run, as a sentence."""
        return None

    def _unavailable(self, *question: str) -> str | None:
        if _found_in(self._env.get("PATH", os.defpath), self._command[0]) is None:
            return f"There is no {self.kind} on this machine."
        ran = self._tell(*question)
        return None if ran.ok else f"{self.kind} starts no programs for this user here ({ran.reason()})."
