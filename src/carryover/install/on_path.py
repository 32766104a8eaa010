"""Checks that a shell finds `carryover`; otherwise says what to do, and how hints should spell commands."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from carryover.install.how_installed import HowInstalled, how_installed, own_scripts

COMMAND: Final = "carryover"


class OnPath(msgspec.Struct, frozen=True):
    """Whether the shell finds this installation's command."""

    command: str = COMMAND
    """How to run it from the shell: its name, or its path."""
    problem: str | None = None
    """Why the name alone does not work, as a sentence."""
    remedy: str | None = None
    """What to do, as a sentence."""


def on_path(env: Mapping[str, str], how: HowInstalled, own: Path) -> OnPath:
    """Checks PATH. `own`: this installation's command, which another may shadow or PATH may lack."""
    found = shutil.which(COMMAND, path=env.get("PATH", ""))
    if not own.exists() or (found is not None and Path(found).resolve() == own.resolve()):
        return OnPath()
    command = shlex.quote(str(own))
    if found is not None:
        return OnPath(command, f"`{COMMAND}` is another installation here: {found}.", "Remove one of the two.")
    return OnPath(command, f"`{COMMAND}` is not on the PATH of this shell.", _remedy(how, own.parent))


def _remedy(how: HowInstalled, folder: Path) -> str:
    match how.kind:
        case "pipx":
            do = "Run `pipx ensurepath`"
        case "uv tool":
            do = "Run `uv tool update-shell`"
        case "uvx":
            do = f"Run `{how.update}`"
        case _:
            do = f"""Add `export PATH="{folder}:$PATH"` to your shell's profile"""
    return f"{do}, then open a new shell."


@cache
def on_path_here() -> OnPath:
    """Checks the PATH of the running process."""
    return on_path(os.environ, how_installed(), own_scripts() / COMMAND)


def runnable(text: str) -> str:
    """Returns `text` with our commands in backquotes spelled so that this shell can run them."""
    command = on_path_here().command
    return text.replace(f"`{COMMAND} ", f"`{command} ").replace(f"`{COMMAND}d`", f"`{command}d`")
