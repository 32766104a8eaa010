"""Runs in a Python process before its program, where this folder is on PYTHONPATH, and records what that starts.

Each line of the file that `COUNTED` names is the id of a process and the command line that it has started.
"""

from __future__ import annotations

import _posixsubprocess
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE = os.open(os.environ["COUNTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
_fork_exec: Any = _posixsubprocess.fork_exec


def _counted_fork_exec(arguments: list[str | bytes], *rest: object) -> int:
    command = " ".join(os.fsdecode(each) for each in arguments).replace("\n", " ")
    os.write(_FILE, f"{os.getpid()}\t{command}\n".encode("utf-8", "backslashreplace"))
    pid: int = _fork_exec(arguments, *rest)
    return pid


setattr(_posixsubprocess, "fork_exec", _counted_fork_exec)  # noqa: B010
