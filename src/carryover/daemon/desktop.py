"""Shows a notice on the user's desktop: by `notify-send` on Linux, by `osascript` on macOS."""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LIMIT_S: Final = 3.0
"""After that long nobody has shown it."""

_MACOS: Final = (
    *("-e", "on run argv"),
    *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
    *("-e", "end run"),
)


def show_notice(title: str, text: str, env: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Show it; why that could not be done, in a few words without content, None where it was. Blocks for `LIMIT_S`.

    Both are plain text, one line each. They stand on a command line, which other users of the machine can read.
    """
    name = "osascript" if platform == "darwin" else "notify-send"
    program = shutil.which(name, path=_absolute(env.get("PATH", os.defpath)))
    if program is None:
        return f"no {name}"
    if platform != "darwin" and not _has_bus(env):
        return "no session bus"
    words = [*_MACOS, title, text] if platform == "darwin" else _linux(title, text)
    try:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(env),
            cwd="/",
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{name} did not answer"
    except (OSError, ValueError):
        return f"{name} can't be started"
    return None if done.returncode == 0 else f"{name} ended with code {done.returncode}"


def _linux(title: str, text: str) -> list[str]:
    return ["--app-name=Carryover", "--", title, html.escape(text, quote=False)]  # the text may hold markup


def _has_bus(env: Mapping[str, str]) -> bool:
    """Without one `notify-send` would start one, or wait."""
    runtime = env.get("XDG_RUNTIME_DIR")
    return bool(env.get("DBUS_SESSION_BUS_ADDRESS")) or (runtime is not None and (Path(runtime) / "bus").exists())


def _absolute(path: str) -> str:
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if entry.startswith("/"))
