"""launchd on macOS, which starts the daemon at login and again when it fails. Not tested on a Mac.

The agent is `com.carryover.carryoverd.plist` next to this module; packaging/README.md explains each of its keys.
`launchctl` is used as documented in its macOS 13 manual page.
"""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.fsio import write_if_changed
from carryover.install.service import (
    ANSWER_S,
    Kind,
    Program,
    Ran,
    Run,
    ServiceFile,
    ServiceManager,
    ServiceStatus,
    run_command,
)

LABEL: Final = "com.carryover.carryoverd"
STDERR: Final = "launchd.log"
"""File in the state folder for the daemon's output before its own log is open; launchd would discard it."""

GONE_S: Final = 20.0
"""How long the daemon may take to stop. launchd kills it after 15 s (ExitTimeOut)."""
_PAUSE_S: Final = 0.1
_BOOTSTRAP_TRIES: Final = 5

_TEMPLATE: Final = Path(__file__).with_name(f"{LABEL}.plist")


class Launchd(ServiceManager):
    """Controls the daemon with `launchctl`, in the domain of the logged-in user."""

    kind: Kind = "launchd"

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        run: Run = run_command,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._env = env
        self._run = run
        self._sleep = sleep
        self._domain = f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{LABEL}"
        self.path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def available(self) -> str | None:
        if shutil.which("launchctl", path=self._env.get("PATH")) is None:
            return "There is no launchd on this machine."
        # A user who is only logged in remotely has no such domain.
        ran = self._launchctl("print", self._domain)
        return None if ran.ok else f"launchd starts no programs for this user here ({ran.reason()})."

    def file(self, program: Program) -> ServiceFile:
        return ServiceFile(self.path, agent(program))

    def install(self, program: Program) -> bool:
        wanted = self.file(program)
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
        changed = write_if_changed(wanted.path, wanted.content, mode=0o644)
        known = self._printed() is not None
        if known and not changed:
            return False
        if known:
            self._forget()
        # It may be disabled; without this, bootstrap fails with "5: Input/output error".
        self._must("enable", self._target, doing="enable the agent")
        self._bootstrap()
        return True

    def start(self) -> None:
        self._must("kickstart", self._target, doing="start the daemon", code=ExitCode.NOT_RUNNING)

    def stop(self) -> None:
        printed = self._printed()
        if printed is None or _pid(printed) is None:
            return
        self._must("kill", "SIGTERM", self._target, doing="stop the daemon")
        self._wait_until(lambda: _pid(self._printed() or "") is None)

    def restart(self) -> None:
        self._must("kickstart", "-k", self._target, doing="restart the daemon", limit_s=GONE_S)

    def status(self) -> ServiceStatus:
        installed = self.path.is_file()
        printed = self._printed()
        pid = _pid(printed or "")
        return ServiceStatus(
            kind=self.kind,
            installed=installed,
            enabled=printed is not None and not self._switched_off(),
            active=pid is not None,
            pid=pid,
            command=self._command(),
            trouble=_trouble(printed) if installed and pid is None else None,
        )

    def uninstall(self) -> bool:
        if not self.path.is_file():
            return False
        if self._printed() is not None:
            self._forget()
        self.path.unlink()
        return True

    def _bootstrap(self) -> None:
        # Soon after a bootout this fails with "5: Input/output error", although `print` no longer finds the agent.
        for _ in range(_BOOTSTRAP_TRIES - 1):
            if self._launchctl("bootstrap", self._domain, str(self.path)).ok:
                return
            self._sleep(1.0)
        self._must("bootstrap", self._domain, str(self.path), doing="register the agent")

    def _forget(self) -> None:
        self._must("bootout", self._target, doing="stop the daemon", limit_s=GONE_S)
        self._wait_until(lambda: self._printed() is None)

    def _wait_until(self, look: Callable[[], bool]) -> None:
        for _ in range(int(GONE_S / _PAUSE_S)):
            if look():
                return
            self._sleep(_PAUSE_S)
        raise UserError(
            f"launchd could not stop the daemon within {GONE_S:g} s. `launchctl print {self._target}` says more."
        )

    def _must(self, *arguments: str, doing: str, limit_s: float = ANSWER_S, code: ExitCode = ExitCode.FAILED) -> None:
        ran = self._launchctl(*arguments, limit_s=limit_s)
        if not ran.ok:
            raise UserError(
                f"launchd could not {doing}: {ran.reason()}. `launchctl print {self._target}` says more.", code
            )

    def _launchctl(self, *arguments: str, limit_s: float = ANSWER_S) -> Ran:
        return self._run(("launchctl", *arguments), env=self._env, limit_s=limit_s)

    def _printed(self) -> str | None:
        ran = self._launchctl("print", self._target)
        return ran.out if ran.ok else None

    def _switched_off(self) -> bool:
        ran = self._launchctl("print-disabled", self._domain)
        # macOS 12 and older say `=> true`, newer ones `=> disabled`
        return ran.ok and re.search(rf'"{re.escape(LABEL)}" => (true|disabled)', ran.out) is not None

    def _command(self) -> tuple[str, ...] | None:
        try:
            found = plistlib.loads(self.path.read_bytes())["ProgramArguments"]
        except (OSError, ValueError, KeyError, plistlib.InvalidFileException):
            return None
        return tuple(found)


def agent(program: Program) -> bytes:
    """Returns the property list for `program`."""
    values = plistlib.loads(_TEMPLATE.read_bytes())
    values["ProgramArguments"] = list(program.command)
    values["StandardErrorPath"] = str(program.state / STDERR)
    values["EnvironmentVariables"] = dict(program.environment)
    if not program.environment:
        del values["EnvironmentVariables"]
    return plistlib.dumps(values)


def _pid(printed: str) -> int | None:
    found = re.search(r"^\tpid = (\d+)$", printed, re.MULTILINE)
    return int(found[1]) if found else None


def _trouble(printed: str | None) -> str | None:
    if printed is None:
        return "launchd does not know it: run `carryover install` again."
    found = re.search(r"^\tlast exit code = (\d+)", printed, re.MULTILINE)
    if found is None or found[1] == "0":
        return None
    return f"It failed with exit code {found[1]}; {STDERR} and carryoverd.log in the state folder say more."
