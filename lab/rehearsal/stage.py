"""Where a rehearsal takes place: throw-away folders, home folders without a past, commands that are run in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rehearsal.registries import Registries

_MACHINE: Final = re.compile(
    r"PATH|TMPDIR|(?i:.*_proxy)|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|NODE_EXTRA_CA_CERTS"
    r"|PIP_(CERT|CONFIG_FILE|DEFAULT_TIMEOUT|EXTRA_INDEX_URL|FIND_LINKS|INDEX_URL|NO_INDEX|RETRIES|TRUSTED_HOST)"
    r"|UV_(DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|HTTP_TIMEOUT|INDEX|INDEX_URL|NATIVE_TLS|SYSTEM_CERTS)"
)
"""Variables that say how this machine reaches registries. Others may lead to the user's own folders."""


class Failed(Exception):
    """A step did not come to what it should; the text says how."""


class NotRun(Exception):
    """A step can't be run on this machine; the text says why."""


def run(*command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Returns what the command prints. Raises Failed if it does not succeed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}".strip())
    return done.stdout


def needs(*programs: str) -> None:
    """Raises NotRun unless all of the programs are on PATH."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise NotRun(f"{' and '.join(missing)} is not on this machine")


def megabytes(path: Path) -> float:
    """Size of a file, or of all files below a folder, in units of 10**6 bytes; links are not followed."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.lstat().st_size for each in files if not each.is_symlink()) / 1e6


@dataclass(frozen=True, slots=True)
class User:
    """Someone with an empty home folder, whose installers look into the loopback registries first."""

    home: Path
    env: dict[str, str]

    def run(self, *command: str | Path) -> str:
        """Returns what a command of the user's prints. Raises Failed if it does not succeed."""
        return run(*command, env=self.env, cwd=self.home)

    def tries(self, *command: str | Path) -> tuple[int, str]:
        """Returns the exit code of a command of the user's, and what it says on both streams."""
        done = subprocess.run(command, env=self.env, cwd=self.home, capture_output=True, text=True, check=False)
        return done.returncode, f"{done.stdout}{done.stderr}".strip()


def user(home: Path, registries: Registries) -> User:
    """Returns a new user, whose home folder is made."""
    home.mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if _MACHINE.fullmatch(name)}
    return User(
        home,
        env
        | {
            "HOME": str(home),
            "PATH": f"{home}/.local/bin:{env['PATH']}",
            "LANG": "C.UTF-8",
            # No service manager answers: the user who rehearses has one, and it is not part of this.
            "XDG_RUNTIME_DIR": str(home / "no-runtime"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home}/no-bus",
            "UV_INDEX": f"{registries.index} {env.get('UV_INDEX', '')}".strip(),
            "UV_PYTHON": sys.executable,
            "PIPX_DEFAULT_PYTHON": sys.executable,
            "PIP_EXTRA_INDEX_URL": f"{registries.index} {env.get('PIP_EXTRA_INDEX_URL', '')}".strip(),
            "npm_config_registry": registries.npm,
            "npm_config_cache": str(home / ".npm"),
        },
    )
