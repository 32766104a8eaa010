"""The user's systemd, which starts the daemon at login and again when it fails.

The unit is `carryoverd.service` next to this module; packaging/README.md explains each of its lines. That document is
not installed, so the unit does not refer to it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from platformdirs.unix import Unix

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

START_S: Final = 60.0
"""How long `start` waits for the daemon to answer. Migrating a ledger may take longer, and then continues."""
STOP_S: Final = 30.0

_WANTED_BY: Final = "default.target.wants"
_PROPERTIES: Final = (
    *("LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "NRestarts", "Result", "ExecMainStatus"),
    "ActiveEnterTimestamp",
)
_LINGER_HINT: Final = (
    "It stops when you log out and catches up when you log in again; `loginctl enable-linger` keeps it running."
)
_TROUBLE: Final = {
    "start-limit-hit": "It failed too often in a row, so systemd no longer starts it.",
    "watchdog": "It gave no sign of life, so systemd ended it.",
    "oom-kill": "It was ended because memory ran out.",
    "timeout": "It did not answer in time, so systemd ended it.",
}


class SystemdUser(ServiceManager):
    """Controls the daemon with `systemctl --user`."""

    kind: Kind = "systemd"

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        run: Run = run_command,
        runtime: Path = Path("/run/user"),
        linger: Path = Path("/var/lib/systemd/linger"),
    ) -> None:
        """`run`: runs a command. `runtime`, `linger`: the folders in which systemd keeps those files."""
        self._env = _env_for_systemctl(env, runtime)
        self._run = run
        self._linger = linger
        self._units = Unix().user_config_path / "systemd" / "user"

    @property
    def path(self) -> Path:
        """Path of the unit. Drop-ins from `systemctl --user edit` are next to it and are never touched."""
        return self._units / UNIT

    def available(self) -> str | None:
        if shutil.which("systemctl", path=self._env.get("PATH")) is None:
            return "There is no systemd on this machine."
        ran = self._systemctl("show", "--property=Version")
        return None if ran.ok else f"systemd starts no programs for this user here ({ran.reason()})."

    def file(self, program: Program) -> ServiceFile:
        return ServiceFile(self.path, unit_text(program).encode())

    def install(self, program: Program) -> bool:
        wanted = self.file(program)
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
        changed = write_if_changed(wanted.path, wanted.content, mode=0o644)
        self._must("daemon-reload", doing="read the unit")
        if self._show().get("UnitFileState") != "enabled":
            self._must("enable", "--quiet", UNIT, doing="enable the unit")
            changed = True
        return changed

    def start(self) -> None:
        self._launch("start")

    def stop(self) -> None:
        self._must("stop", UNIT, doing="stop the daemon", limit_s=STOP_S)

    def restart(self) -> None:
        self._launch("restart")

    def status(self) -> ServiceStatus:
        installed = self.path.is_file()
        shown = self._show()
        if not shown:
            return ServiceStatus(kind=self.kind, installed=installed, command=self._command(), trouble=self.available())
        active = shown.get("ActiveState") in ("active", "reloading")
        lingering = self._lingers()
        return ServiceStatus(
            kind=self.kind,
            installed=installed,
            enabled=shown.get("UnitFileState") == "enabled",
            active=active,
            pid=_number(shown, "MainPID") or None,
            since_ms=_ms(shown.get("ActiveEnterTimestamp", "")) if active else None,
            restarts=_number(shown, "NRestarts"),
            command=self._command(),
            lingering=lingering,
            trouble=_trouble(shown) if installed else None,
            hint=_LINGER_HINT if installed and lingering is False else None,
        )

    def uninstall(self) -> bool:
        wanted = self._units / _WANTED_BY / UNIT
        there = [path for path in (wanted, self.path) if path.is_symlink() or path.exists()]
        if not there:
            return False
        answers = self.available() is None
        if answers:
            self.stop()
        for path in there:
            path.unlink()
        for folder in (wanted.parent, self._units, *list(self._units.parents)[:2]):
            _remove_if_empty(folder)
        if answers:
            self._systemctl("daemon-reload")
            self._systemctl("reset-failed", UNIT)
        return True

    def _launch(self, verb: str) -> None:
        # systemd refuses to start a daemon that failed too often, even after the cause is fixed.
        self._systemctl("reset-failed", UNIT)
        self._must(verb, UNIT, doing=f"{verb} the daemon", limit_s=START_S, code=ExitCode.NOT_RUNNING)

    def _must(self, *arguments: str, doing: str, limit_s: float = ANSWER_S, code: ExitCode = ExitCode.FAILED) -> None:
        ran = self._systemctl(*arguments, limit_s=limit_s)
        if not ran.ok:
            trouble = _trouble(self._show()) or f"{ran.reason()}."
            raise UserError(f"systemd could not {doing}. {trouble} `systemctl --user status {UNIT}` says more.", code)

    def _systemctl(self, *arguments: str, limit_s: float = ANSWER_S) -> Ran:
        return self._run(("systemctl", "--user", "--no-pager", *arguments), env=self._env, limit_s=limit_s)

    def _show(self) -> dict[str, str]:
        ran = self._systemctl("show", UNIT, f"--property={','.join(_PROPERTIES)}")
        return dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line) if ran.ok else {}

    def _command(self) -> tuple[str, ...] | None:
        try:
            return command_of(self.path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None

    def _lingers(self) -> bool | None:
        try:
            return (self._linger / pwd.getpwuid(os.getuid()).pw_name).exists()
        except (KeyError, OSError):  # a container's user has no name, or we may not enter the folder
            return None


def _env_for_systemctl(env: Mapping[str, str], runtime: Path) -> dict[str, str]:
    """Returns an environment in which systemctl finds the user's systemd and prints names and times that can be parsed.

    After `su`, and in jobs, XDG_RUNTIME_DIR is missing although systemd runs.
    """
    found = {**env, "LC_ALL": "C", "TZ": "UTC", "SYSTEMD_COLORS": "0"}
    mine = runtime / str(os.getuid())
    if not env.get("XDG_RUNTIME_DIR") and mine.is_dir():
        found["XDG_RUNTIME_DIR"] = str(mine)
    return found


def _trouble(shown: Mapping[str, str]) -> str | None:
    if shown.get("LoadState") == "masked":
        return "The unit is masked: `systemctl --user unmask carryoverd` allows it again."
    if shown.get("ActiveState") == "failed" or shown.get("SubState") == "auto-restart":
        if _number(shown, "ExecMainStatus") == ExitCode.REFUSED:
            return "It refused to start; `carryoverd` in a terminal says why."
        result, status = shown.get("Result", ""), _number(shown, "ExecMainStatus")
        how = f"was killed (signal {status})" if result == "signal" else f"failed with exit code {status}"
        return _TROUBLE.get(result, f"It {how}; carryoverd.log says more.")
    return None


def _number(shown: Mapping[str, str], name: str) -> int:
    text = shown.get(name, "")
    return int(text) if text.isdigit() else 0


def _ms(timestamp: str) -> int | None:
    """Returns the UTC ms of a time such as `Fri 2026-11-20 09:24:08 UTC`; None for an empty string."""
    try:
        found = datetime.strptime(timestamp.replace("UTC", "+0000"), "%a %Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    return int(found.timestamp() * 1000)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # in use by others
        folder.rmdir()


UNIT: Final = "carryoverd.service"

_TEMPLATE: Final = Path(__file__).with_name(UNIT)
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "%": "%%", "\n": "\\n", "\r": "\\r"}
_PLAIN: Final = {escape: character for character, escape in _ESCAPES.items()}


def unit_text(program: Program) -> str:
    """Returns the unit for `program`.

    Raises UserError for a path that systemd (252) does not accept as a program, with quotes or backslashes.
    """
    path, *arguments = program.command
    if any(character in "\"'\\" or not character.isprintable() for character in path):
        raise UserError(
            f"systemd starts no program whose path holds quotes, backslashes or control characters: {path!r}. "
            "Install Carryover elsewhere, or start the daemon yourself: `carryoverd`.",
            ExitCode.REFUSED,
        )
    # systemd replaces `$NAME` in arguments, but not in the path of the program.
    command = " ".join([_quoted(path), *(_quoted(argument).replace("$", "$$") for argument in arguments)])
    variables = "\n".join(
        f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(program.environment.items())
    )
    filled = _TEMPLATE.read_text(encoding="utf-8").replace("@COMMAND@", command)
    return filled.replace("@ENVIRONMENT@", variables) if variables else filled.replace("@ENVIRONMENT@\n", "")


def command_of(unit: str) -> tuple[str, ...] | None:
    """Returns the command line in a unit written by `unit_text`; None for any other content."""
    found = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    if found is None or not re.fullmatch(rf"{_QUOTED}(?: {_QUOTED})*", found[1]):
        return None
    path, *arguments = (_unquoted(word) for word in re.findall(_QUOTED, found[1]))
    return (path, *(argument.replace("$$", "$") for argument in arguments))


def _quoted(word: str) -> str:
    return f'"{"".join(_ESCAPES.get(character, character) for character in word)}"'


def _unquoted(word: str) -> str:
    return re.sub(r"\\.|%%", lambda found: _PLAIN.get(found[0], found[0]), word[1:-1])
