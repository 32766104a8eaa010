"""systemd and launchd, which start the daemon at login and again when it fails. packaging/README.md explains the
templates next to this module.

launchd was not tested on a Mac: `launchctl` is used as documented in its macOS 13 manual page.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.install.service import Program, Run, ServiceKind, ServiceManager, ServiceStatus, run_command

UNIT: Final = "carryoverd.service"
LABEL: Final = "com.carryover.carryoverd"
_START_S: Final = 60.0
"""How long systemd waits for the daemon to answer. Migrating a ledger may take longer, and then continues."""
_STOP_S: Final = 30.0
"""How long the daemon may take to stop. launchd kills it after 15 s (ExitTimeOut)."""

_PAUSE_S: Final = 0.1
_BOOTSTRAP_TRIES: Final = 5
_PROPERTIES: Final = "LoadState,ActiveState,SubState,UnitFileState,MainPID,NRestarts,Result,ExecMainStatus"
_LINGER_HINT: Final = (
    "It stops when you log out and catches up when you log in again; `loginctl enable-linger` keeps it running."
)
_TROUBLE: Final = {
    "start-limit-hit": "It failed too often in a row, so systemd no longer starts it.",
    "watchdog": "It gave no sign of life, so systemd ended it.",
    "oom-kill": "It was ended because memory ran out.",
    "timeout": "It did not answer in time, so systemd ended it.",
}
_NO_PROGRAM: Final = 203
"""systemd's EXIT_EXEC: it could not run our program, as after the package was removed or moved."""
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "%": "%%", "\n": "\\n", "\r": "\\r"}


class SystemdUser(ServiceManager):
    """Controls the daemon with `systemctl --user`."""

    kind: ServiceKind = "systemd"
    _command = ("systemctl", "--user", "--no-pager")
    _says_more = f"systemctl --user status {UNIT}"

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        run: Run = run_command,
        runtime: Path = Path("/run/user"),
        linger: Path = Path("/var/lib/systemd/linger"),
    ) -> None:
        """`run`: runs a command. `runtime`, `linger`: the folders in which systemd keeps those files."""
        mine = runtime / str(os.getuid())
        # After `su`, and in jobs, XDG_RUNTIME_DIR is missing although systemd runs.
        found = {} if env.get("XDG_RUNTIME_DIR") or not mine.is_dir() else {"XDG_RUNTIME_DIR": str(mine)}
        super().__init__({**env, "LC_ALL": "C", "SYSTEMD_COLORS": "0", **found}, run)
        self._linger = linger
        # Drop-ins from `systemctl --user edit` are next to the unit and are never touched.
        self.path = _config_folder() / "systemd" / "user" / UNIT

    def available(self) -> str | None:
        return self._unavailable("show", "--property=Version")

    def install(self, program: Program) -> bool:
        changed = self._write(program)
        self._must("daemon-reload", doing="read the unit")
        if self._show().get("UnitFileState") == "enabled":
            return changed
        self._must("enable", "--quiet", UNIT, doing="enable the unit")
        return True

    def start(self) -> None:
        self._launch("start")

    def stop(self) -> None:
        self._must("stop", UNIT, doing="stop the daemon", limit_s=_STOP_S)

    def restart(self) -> None:
        self._launch("restart")

    def status(self) -> ServiceStatus:
        installed = self.path.is_file()
        shown = self._show()
        status = ServiceStatus(kind=self.kind, installed=installed)
        if not shown:
            return msgspec.structs.replace(status, trouble=self.available())
        active = shown.get("ActiveState") in ("active", "reloading")
        return msgspec.structs.replace(
            status,
            enabled=shown.get("UnitFileState") == "enabled",
            active=active,
            pid=_number(shown, "MainPID") or None,
            restarts=_number(shown, "NRestarts"),
            trouble=_trouble(shown) if installed else None,
            hint=_LINGER_HINT if installed and self._lingers() is False else None,
        )

    def uninstall(self) -> bool:
        units = self.path.parent
        wanted = units / "default.target.wants" / UNIT
        there = [path for path in (wanted, self.path) if path.is_symlink() or path.exists()]
        if not there:
            return False
        answers = self.available() is None
        if answers:
            self.stop()
        for path in there:
            path.unlink()
        for folder in (wanted.parent, units, *list(units.parents)[:2]):
            with contextlib.suppress(OSError):  # in use by others
                folder.rmdir()
        if answers:
            self._tell("daemon-reload")
            self._tell("reset-failed", UNIT)
        return True

    def file(self, program: Program) -> tuple[Path, bytes]:
        return self.path, unit_text(program).encode()

    def _launch(self, verb: str) -> None:
        # systemd refuses to start a daemon that failed too often, even after the cause is fixed.
        self._tell("reset-failed", UNIT)
        self._must(verb, UNIT, doing=f"{verb} the daemon", limit_s=_START_S, code=ExitCode.NOT_RUNNING)

    def _show(self) -> dict[str, str]:
        ran = self._tell("show", UNIT, f"--property={_PROPERTIES}")
        return dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line) if ran.ok else {}

    def _failure(self) -> str | None:
        return _trouble(self._show())

    def _lingers(self) -> bool | None:
        try:
            return (self._linger / pwd.getpwuid(os.getuid()).pw_name).exists()
        except (KeyError, OSError):  # a container's user has no name, or we may not enter the folder
            return None


def _config_folder() -> Path:
    """Returns where systemd looks for the user's units; it ignores a relative path in the variable."""
    moved = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return moved if moved.is_absolute() else Path.home() / ".config"


def _trouble(shown: Mapping[str, str]) -> str | None:
    if shown.get("LoadState") == "masked":
        return "The unit is masked: `systemctl --user unmask carryoverd` allows it again."
    if shown.get("ActiveState") != "failed" and shown.get("SubState") != "auto-restart":
        return None
    result, status = shown.get("Result", ""), _number(shown, "ExecMainStatus")
    if status == ExitCode.REFUSED:
        return "It refused to start; `carryoverd` in a terminal says why."
    if status == _NO_PROGRAM:
        return "The program that it starts can't be run; `carryover doctor --fix` has it start this installation."
    how = f"was killed (signal {status})" if result == "signal" else f"failed with exit code {status}"
    return _TROUBLE.get(result, f"It {how}; carryoverd.log says more.")


def _number(shown: Mapping[str, str], name: str) -> int:
    text = shown.get(name, "")
    return int(text) if text.isdigit() else 0


def unit_text(program: Program) -> str:
    """Returns the unit for `program`. Raises UserError if systemd (252) does not accept its path."""
    path, *arguments = program.command
    if not path.isprintable() or not set("\"'\\").isdisjoint(path):
        raise UserError(
            f"systemd starts no program whose path holds quotes, backslashes or control characters: {path!r}. "
            "Install Carryover elsewhere, or give `--no-service` and start the daemon yourself: `carryoverd`.",
            ExitCode.REFUSED,
        )
    # systemd replaces `$NAME` in arguments, but not in the path of the program.
    command = " ".join([_quoted(path), *(_quoted(argument).replace("$", "$$") for argument in arguments)])
    variables = [f"Environment={_quoted(f'{name}={value}')}\n" for name, value in sorted(program.environment.items())]
    text = Path(__file__).with_name(UNIT).read_text(encoding="utf-8")
    return text.replace("@COMMAND@", command).replace("@ENVIRONMENT@\n", "".join(variables))


def _quoted(word: str) -> str:
    return f'"{"".join(_ESCAPES.get(character, character) for character in word)}"'


class Launchd(ServiceManager):
    """Controls the daemon with `launchctl`, in the domain of the logged-in user."""

    kind: ServiceKind = "launchd"
    stop_lasts = True
    _command = ("launchctl",)

    def __init__(
        self, env: Mapping[str, str], *, run: Run = run_command, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(env, run)
        self._sleep = sleep
        self._domain = f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{LABEL}"
        self._says_more = f"launchctl print {self._target}"
        self.path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def available(self) -> str | None:
        return self._unavailable("print", self._domain)  # a user who is only logged in remotely has no such domain

    def install(self, program: Program) -> bool:
        return self._write(program)

    def start(self) -> None:
        if _pid(self._printed()) is None:
            self.restart()

    def stop(self) -> None:
        # Disabled too, as launchd would start it again at the next login.
        self._must("disable", self._target, doing="keep the daemon stopped")
        self._forget()

    def restart(self) -> None:
        # launchd starts what it knows again only after `ThrottleInterval`, but what is new to it at once.
        self._forget()
        self._must("enable", self._target, doing="enable the agent")
        # Soon after a bootout this fails with "5: Input/output error", although `print` no longer finds the agent.
        for _ in range(_BOOTSTRAP_TRIES - 1):
            if self._tell("bootstrap", self._domain, str(self.path)).ok:
                return
            self._sleep(1.0)
        self._must("bootstrap", self._domain, str(self.path), doing="start the daemon", code=ExitCode.NOT_RUNNING)

    def status(self) -> ServiceStatus:
        installed = self.path.is_file()
        printed = self._printed()
        pid = _pid(printed)
        is_stopped = self._switched_off()
        return ServiceStatus(
            kind=self.kind,
            installed=installed,
            enabled=not is_stopped,
            active=pid is not None,
            pid=pid,
            trouble=_exit_trouble(printed) if installed and pid is None and not is_stopped else None,
        )

    def uninstall(self) -> bool:
        if not self.path.is_file():
            return False
        self._forget()
        if self._switched_off():  # launchd would remember that of what is no longer there
            self._tell("enable", self._target)
        self.path.unlink()
        return True

    def file(self, program: Program) -> tuple[Path, bytes]:
        return self.path, agent(program)

    def _forget(self) -> None:
        """Ends the daemon and has launchd no longer know it, until it is registered or the user logs in."""
        if self._printed() is None:
            return
        self._must("bootout", self._target, doing="stop the daemon", limit_s=_STOP_S)
        for _ in range(int(_STOP_S / _PAUSE_S)):
            if self._printed() is None:
                return
            self._sleep(_PAUSE_S)
        raise UserError(f"launchd could not stop the daemon within {_STOP_S:g} s. `{self._says_more}` says more.")

    def _printed(self) -> str | None:
        ran = self._tell("print", self._target)
        return ran.out if ran.ok else None

    def _switched_off(self) -> bool:
        ran = self._tell("print-disabled", self._domain)
        # macOS 12 and older say `=> true`, newer ones `=> disabled`
        return ran.ok and re.search(rf'"{re.escape(LABEL)}" => (true|disabled)', ran.out) is not None


def agent(program: Program) -> bytes:
    """Returns the property list for `program`. launchd discards what it prints, as nothing would keep a file small."""
    import plistlib

    values = plistlib.loads(Path(__file__).with_name(f"{LABEL}.plist").read_bytes())
    values["ProgramArguments"] = list(program.command)
    values["EnvironmentVariables"] = dict(program.environment)
    if not program.environment:
        del values["EnvironmentVariables"]
    return plistlib.dumps(values)


def _pid(printed: str | None) -> int | None:
    found = re.search(r"^\tpid = (\d+)$", printed or "", re.MULTILINE)
    return int(found[1]) if found else None


def _exit_trouble(printed: str | None) -> str | None:
    if printed is None:
        return "launchd does not know it: run `carryover install` again."
    found = re.search(r"^\tlast exit code = (\d+)", printed, re.MULTILINE)
    if found is None or found[1] == "0":
        return None
    return f"It failed with exit code {found[1]}; `carryoverd` in a terminal says why."
