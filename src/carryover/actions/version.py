"""Says which version of Carryover this is, and how a shell calls it."""

from __future__ import annotations

from pathlib import Path

import carryover
from carryover.how_installed import COMMAND, how_installed, on_path_here


def version_line(program: str) -> str:
    """`program`, its version, how it was installed and where; the answer to `--version`."""
    return f"{program} {carryover.__version__} ({how_installed().by}, {Path(carryover.__file__).parent})"


def update_command() -> str:
    """Returns the command that updates Carryover."""
    return how_installed().update


def runnable(text: str) -> str:
    """Returns `text` with our commands in backquotes spelled so that this shell can run them."""
    command = on_path_here().command
    return text.replace(f"`{COMMAND} ", f"`{command} ").replace(f"`{COMMAND}d`", f"`{command}d`")
