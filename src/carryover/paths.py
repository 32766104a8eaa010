"""Where Carryover keeps its state: `~/.carryover`, or the folder that `CARRYOVER_HOME` names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.platform import here

STORE: Final = ".carryover"
"""The folder in a project for its handoff; in the home folder, the state folder."""
STARTER: Final = "start.sh"
"""In the state folder: the script that starts the daemon if no service manager does (`carryover start`)."""


class _Entry:
    """The path of a file or folder in the state folder."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, state: StateDir, _owner: type[StateDir]) -> Path:
        return state.root / self._name


class StateDir(msgspec.Struct, frozen=True):
    """The state folder (mode 0700) and its contents (files 0600). Creates nothing."""

    root: Path

    @classmethod
    def of(cls, env: Mapping[str, str], home: Path) -> StateDir:
        """Returns the state folder that the environment selects. Raises UserError (REFUSED) if `CARRYOVER_HOME` or
        `HOME` is empty or a relative path, or one of the two is not UTF-8, or where sudo kept the home folder of the
        user who called it.
        """
        moved = env.get("CARRYOVER_HOME")
        root = expanded(moved) if moved else home / STORE
        if _is_sudo_at_home(env, home):
            raise UserError(
                f"sudo runs this as root in your home folder, {home}: neither you nor your agents could read what it "
                "writes there. Nothing was read or changed. Run it without sudo.",
                ExitCode.REFUSED,
            )
        for name, path in (("HOME", home), ("CARRYOVER_HOME", root)):
            require_utf8(path, f"The folder that {name} names")
        is_empty = env.get("HOME") == ""  # Python takes that for the root folder
        if is_empty or not root.is_absolute():
            given = f"CARRYOVER_HOME is {moved!r}" if moved and not is_empty else f"HOME is {env.get('HOME')!r}"
            raise UserError(
                f"{given}, a relative path: each folder would have a state of its own. "
                "Nothing was read or changed. Set it to a path that begins with / or ~/.",
                ExitCode.REFUSED,
            )
        return cls(root)

    ledger = _Entry("ledger.sqlite")
    """The SQLite database with everything read from transcripts, without secrets."""
    hook_script = _Entry("hook.sh")
    """The script that agents' hooks run."""
    config = _Entry("config.toml")
    """The user's settings; every command works without it."""
    log = _Entry("carryoverd.log")
    """The daemon's log. It holds no text of transcripts."""
    paused = _Entry("paused")
    """While this file exists, nothing is read, written or handed over (`carryover pause`)."""
    lock = _Entry("daemon.lock")
    """The file that the running daemon keeps locked, so that there is only one daemon."""
    socket = _Entry("daemon.sock")
    """The Unix socket on which the daemon answers commands and hooks."""
    sync = _Entry("sync")
    """The folder of `carryover sync`: its settings, keys and local store. Missing while sync is off."""
    spool = _Entry("spool")
    """Stored hook calls of agents without a readable transcript, one folder per agent."""
    secret = _Entry("hook.secret")
    """The secret (64 hex digits) that a hook must present on the port, since any local user can connect to it."""


def _is_sudo_at_home(env: Mapping[str, str], home: Path) -> bool:
    caller = env.get("SUDO_UID", "0")
    try:
        return caller != "0" and os.geteuid() == 0 and str(home.stat().st_uid) == caller
    except OSError:
        return False


def expanded(path: str) -> Path:
    """Returns `path` with a leading `~` or `~name` expanded; an unknown user name stays as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def require_utf8(path: str | Path, what: str) -> None:
    """Raises UserError (REFUSED) if `path` is not UTF-8, since no transcript or ledger can name it. `what` describes
    the path in the message.
    """
    if not is_utf8(path):
        raise UserError(
            f"{what}, {path}, is not UTF-8, so it can't be recorded. Nothing was read or changed. Rename it.",
            ExitCode.REFUSED,
        )


def is_utf8(path: str | Path) -> bool:
    """Whether a path is UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def require_address(path: Path) -> None:
    """Raises UserError (REFUSED) if no Unix socket can be bound at `path`, since it is too long for this system."""
    limit = here().longest_address
    if len(os.fsencode(path)) > limit and here().address_in(0, path.name) is None:
        raise UserError(
            f"The path {path} is too long for a socket on this system (more than {limit} bytes). "
            "Set CARRYOVER_HOME to a shorter path.",
            ExitCode.REFUSED,
        )


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """Yields the address for binding or connecting a Unix socket at `path`, valid inside the block.

    On Linux this works even if the path is longer than a socket address may be. Raises what `require_address` does.
    """
    require_address(path)
    if len(os.fsencode(path)) <= here().longest_address:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield here().address_in(folder, path.name) or str(path)
    finally:
        os.close(folder)
