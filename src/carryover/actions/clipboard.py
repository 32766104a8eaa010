"""Puts text on the clipboard: with a program of the desktop, or else with a terminal escape sequence."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import UserError
from carryover.install.machine import Machine, copies_of_command
from carryover.terminal.output import copied_by_terminal

_LIMIT_S: Final = 5.0
_INSTEAD: Final = "copy what `carryover handoff` prints"


class Way(msgspec.Struct, frozen=True):
    """A program that copies its standard input; `display` is the variable that names the display it needs, if any.
    `encoding` is what it reads, with `variables` set."""

    name: str
    arguments: tuple[str, ...] = ()
    display: str | None = None
    encoding: str = "utf-8"
    variables: Mapping[str, str] = {}


WAYS: Final = (
    Way("wl-copy", display="WAYLAND_DISPLAY"),
    Way("xclip", ("-selection", "clipboard"), display="DISPLAY"),
    Way("xsel", ("--clipboard", "--input"), display="DISPLAY"),
    # It takes text for Mac Roman where no locale is set, as over SSH and in a service; macOS has this one everywhere.
    Way("pbcopy", variables={"LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"}),
    Way("clip.exe", encoding="utf-16-le"),  # Windows, in WSL: reads any other encoding as the console's code page
)


def copy(text: str, machine: Machine | None = None, *, instead: str = _INSTEAD, limit_s: float = _LIMIT_S) -> str:
    """Puts `text` on the clipboard of this machine, unless another one is given; returns the program's name.

    Raises UserError, suggesting `instead`, if none can.
    """
    machine = machine or Machine.here()
    for way in WAYS:
        if way.display is None or machine.env.get(way.display):
            program = next(iter(copies_of_command((way.name,), machine)), None)
            if program is not None and program.on_path and _taken(program.path, way, text, machine.env, limit_s):
                return way.name
    if copied_by_terminal(text):
        return "the terminal, if it takes OSC 52"
    names = ", ".join(way.name for way in WAYS)
    raise UserError(
        f"Nothing here can put text on the clipboard: none of {names} works, and the output is no "
        f"terminal. Install one of them, or {instead}."
    )


def _taken(program: Path, way: Way, text: str, env: Mapping[str, str], limit_s: float) -> bool:
    try:
        process = subprocess.Popen(
            [program, *way.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**env, **way.variables},
            start_new_session=True,  # on X11 and Wayland they keep running to serve the text, even after Ctrl-C here
        )
    except (OSError, ValueError):
        return False
    try:
        process.communicate(text.encode(way.encoding, "replace"), timeout=limit_s)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    return process.returncode == 0
