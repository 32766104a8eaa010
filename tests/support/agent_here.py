"""An agent as it lies on a machine: a command that says its version, and the place of its settings."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from carryover.how_installed import on_path_here, own_scripts
from support.tools import versioned

SYSTEM: Final = ("/usr/bin", "/bin")


def put_claude(home: Path, version: str = "2.1.328") -> Path:
    """A `claude` in the home folder's own `bin`, which answers as Claude Code does; gives the path of its settings."""
    versioned(home / "bin" / "claude", f"{version} (Claude Code)")
    (home / ".claude").mkdir(exist_ok=True)
    return home / ".claude" / "settings.json"


def only_this_path(home: Path, monkeypatch: pytest.MonkeyPatch, *, system: Sequence[str] = SYSTEM) -> None:
    """From now on commands are those in the home folder, `carryover` among them, and those of the system.

    No service manager answers; without folders of the system there is none that is asked.
    """
    (home / "bin").mkdir(exist_ok=True)
    (home / "bin" / "carryover").symlink_to(own_scripts() / "carryover")
    on_path_here.cache_clear()
    monkeypatch.setenv("PATH", os.pathsep.join([str(home / "bin"), *system]))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "no-runtime"))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={home}/no-bus")


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Each file and folder below `folder`: mode, time of change in ns and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, content)
    return found


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    """The same without the times."""
    return {path: (mode, content) for path, (mode, _, content) in everything(folder).items()}
