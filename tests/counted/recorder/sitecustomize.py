"""Runs in a Python process before its program, where this folder is on PYTHONPATH, and records what the program costs.

Each line of the file that `COUNTED` names is one thing that a process did: its id, the kind and a detail, separated by
tabs. `counted.journal` reads it. Nothing is imported that a bare interpreter does not have anyway.
"""

from __future__ import annotations

import _posixsubprocess
import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

_FILE = os.open(os.environ["COUNTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
_CODE = tuple(os.environ["COUNTED_CODE"].split(os.pathsep))
"""Folders of code. What is opened there is an import."""
_KINDS = {"open": "open", "os.listdir": "list", "os.scandir": "list", "sqlite3.connect": "database"}
_STARTS = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system")
_DETAIL_CHARS = 100

_traced: list[bool] = []


def _note(kind: str, detail: object) -> None:
    text = os.fsdecode(detail) if isinstance(detail, bytes) else str(detail)
    line = f"{os.getpid()}\t{kind}\t{' '.join(text[:_DETAIL_CHARS].split())}\n"
    os.write(_FILE, line.encode("utf-8", "backslashreplace"))


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _traced and hasattr(sys.modules.get("sqlite3"), "connect"):
        _trace_statements()
    if event in _KINDS:
        is_descriptor = event == "open" and isinstance(arguments[0], int)  # a file that is open already
        if not is_descriptor and not str(arguments[0]).startswith(_CODE):
            _note(_KINDS[event], arguments[0])
    elif event == "socket.connect":
        _note("ask", arguments[1])
    elif event in _STARTS:
        _note("process", arguments[0] if arguments else event)


def _trace_statements() -> None:
    """Some import always comes between that of SQLite and the first connection."""
    module = sys.modules["sqlite3"]
    connect = module.connect

    def counted_connect(database: object, *arguments: object, **settings: object) -> sqlite3.Connection:
        name = str(database).partition("?")[0].rpartition("/")[2]
        connection: sqlite3.Connection = connect(database, *arguments, **settings)
        last = [""]

        def trace(text: str) -> None:
            # SQLite also gives the statements of its own index, as comments, and an INSERT again for each trigger.
            if not text.startswith("--") and not (text == last[0] and text.startswith("INSERT")):
                _note("statement", f"{name} {text}")
            last[0] = text if not text.startswith("--") else last[0]

        connection.set_trace_callback(trace)
        return connection

    setattr(module, "connect", counted_connect)  # noqa: B010
    _traced.append(True)


_fork_exec: Any = _posixsubprocess.fork_exec


def _counted_fork_exec(arguments: list[str | bytes], *rest: object) -> int:
    _note("process", " ".join(os.fsdecode(each) for each in arguments))
    pid: int = _fork_exec(arguments, *rest)
    return pid


def _end(before: frozenset[str] = frozenset(sys.modules)) -> None:
    for name in sorted(sys.modules.keys() - before):
        _note("module", name)


setattr(_posixsubprocess, "fork_exec", _counted_fork_exec)  # noqa: B010
atexit.register(_end)
sys.addaudithook(_hear)
