"""The background service: what every service manager must do, and what is shown where there is none.

`background.py` finds the one that this user has; systemd.py and launchd.py hold the two that are known.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.install.how_installed import own_scripts

Kind = Literal["systemd", "launchd", "none"]

COMMAND: Final = "carryoverd"
ANSWER_S: Final = 10.0
"""How long a service manager may take to answer a question."""

STANDARD_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
"""Where every service manager looks for commands."""


class Program(msgspec.Struct, frozen=True):
    """What the service runs: an absolute command line, and variables that the user's shell has but no service."""

    command: tuple[str, ...]
    state: Path
    """The state folder."""
    environment: Mapping[str, str] = {}


class ServiceFile(msgspec.Struct, frozen=True):
    """The file that registers the service: its path and its content."""

    path: Path
    content: bytes


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The service at this moment. None: the service manager does not say."""

    kind: Kind
    installed: bool
    """The service file is there."""
    enabled: bool | None = None
    """It starts by itself when the user logs in (or the machine starts, with lingering)."""
    active: bool | None = None
    pid: int | None = None
    since_ms: int | None = None
    """Running since then (UTC ms)."""
    restarts: int | None = None
    """How often the service manager started it again after a failure."""
    command: tuple[str, ...] | None = None
    """What the service file that is there starts."""
    lingering: bool | None = None
    """systemd: it also runs while the user is not logged in."""
    trouble: str | None = None
    """Why it does not run as it should, in words."""
    hint: str | None = None
    """What the user may want to know or do; no fault."""


class ServiceManager:
    """Runs the daemon for one user. Every method blocks, for a bounded time.

    This class itself is for a machine on which nothing starts programs for the user: a container, WSL without systemd,
    a remote shell without a session.
    """

    kind: Kind = "none"

    def __init__(self, reason: str) -> None:
        """`reason`: why there is no service manager, as a sentence."""
        self._reason = reason

    def available(self) -> str | None:
        """None when it can be used now, else why not: a sentence for the user."""
        return self._reason

    def file(self, _program: Program, /) -> ServiceFile | None:
        """The file that `install` would write, if any. Raises UserError if the program cannot be a service."""
        return None

    def install(self, _program: Program, /) -> bool:
        """Registers the service so that it starts by itself from now on; True when anything was changed.

        Does not start it (but launchd does); one that runs is left as it is until `restart`. Raises UserError, OSError.
        """
        return False

    def start(self) -> None:
        """Starts it, and returns once it answers. Nothing happens when it runs. Raises UserError."""
        raise UserError(f"{self._reason} `carryover start` starts the daemon.", ExitCode.NOT_RUNNING)

    def stop(self) -> None:
        """Stops it, and returns once it is gone. It starts again at the next log-in. Raises UserError."""
        raise UserError(f"{self._reason} Stop the daemon yourself: `carryover status` shows its process.")

    def restart(self) -> None:
        """Restarts it, such as after an upgrade; starts it if it did not run. Raises UserError."""
        self.start()

    def status(self) -> ServiceStatus:
        """What is known of it. Changes nothing, raises nothing."""
        return ServiceStatus(kind=self.kind, installed=False, trouble=self._reason)

    def uninstall(self) -> bool:
        """Stops it and forgets it, even if the service manager does not answer; True when anything was removed."""
        return False


def this_program(env: Mapping[str, str], state: Path) -> Program:
    """How a service starts the daemon of this very installation.

    `state` is the state folder; it is handed on only where `CARRYOVER_HOME` named it.
    """
    environment = {}
    if env.get("CARRYOVER_HOME"):
        environment["CARRYOVER_HOME"] = str(state)
    if path := _path_with_git(env.get("PATH", "")):
        environment["PATH"] = path
    return Program(_command(), state, environment)


def _command() -> tuple[str, ...]:
    # Not the first `carryoverd` on PATH: that may be another installation's.
    script = own_scripts() / COMMAND
    if os.access(script, os.X_OK):
        return (str(script),)
    return (sys.executable, "-m", "carryover.cli.carryoverd")  # a checkout that is run and not installed


def _path_with_git(path: str) -> str | None:
    """What PATH has to be for the git of the user's shell; None where the standard folders have the same one."""
    git = shutil.which("git", path=path)
    if git is None or git == shutil.which("git", path=STANDARD_PATH):
        return None
    return f"{Path(git).parent}:{STANDARD_PATH}"


class Ran(msgspec.Struct, frozen=True):
    """What a command answered. `code` is None when it gave no answer: not there, or too slow (`err` says which)."""

    code: int | None
    out: str = ""
    err: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.code == 0

    def reason(self) -> str:
        """What it said first. What follows is advice, such as to try as root (launchctl), which is wrong here."""
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[0].strip().rstrip(".") if lines else f"exit code {self.code}"


Run = Callable[..., Ran]


def run_command(command: Sequence[str], *, env: Mapping[str, str], limit_s: float = ANSWER_S) -> Ran:
    """Run `command` without a shell and without input, for at most `limit_s`."""
    try:
        ran = subprocess.run(
            command, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Ran(None, err=f"no answer from {command[0]} within {limit_s:g} s")
    except OSError as error:
        return Ran(None, err=f"{command[0]}: {error.strerror}")
    return Ran(ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))
