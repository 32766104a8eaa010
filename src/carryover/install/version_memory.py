"""Remembers what an agent's command said its version is, for as long as the command is the same file.

Starting an agent only to ask takes longer than all else that a report needs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from carryover.adapter.spec import VersionProbe
from carryover.install.version_probe import Answer, ask_version


class VersionMemory:
    """Asks each command for its version once, until it is updated. In memory only."""

    def __init__(self) -> None:
        self._known: dict[str, Answer] = {}

    def ask(self, command: Path, probe: VersionProbe, *, env: Mapping[str, str], cwd: Path) -> Answer:
        """As `ask_version`, of which a failure is not remembered."""
        name = identity(command)
        if name is not None and name in self._known:
            return self._known[name]
        answer = ask_version(command, probe, env=env, cwd=cwd)
        if name is not None and answer.version is not None:
            self._known[name] = answer
        return answer


def identity(command: Path) -> str | None:
    """A fingerprint of the command's path and of the file that it leads to, which changes with every update of it.

    None where there is no such file.
    """
    try:
        found, target = command.stat(), os.path.realpath(command)
    except OSError:
        return None
    numbers = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(b"\0".join((os.fsencode(command), os.fsencode(target), repr(numbers).encode()))).hexdigest()
