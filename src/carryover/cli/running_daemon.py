"""Prints what the running daemon answers to the commands that are called most, in their plain form.

Such a command then costs little more than a start of Python, so nothing is imported here that it can do without. Where
the answer is not the daemon's, or not for this command and its environment, the command finds out by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from carryover import __version__

if TYPE_CHECKING:
    from pathlib import Path

FIRST_S: Final = 1.0
"""So soon a daemon says that it will answer, also on a busy machine; one that does not hangs."""
WHOLE_S: Final = 3.0
"""How long it may take to read what is new on disk, before it answers."""

_LONGEST_ADDRESS: Final = 100
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {"handoff": ("--raw",), "sessions": ("--all",), "status": ("--json",)}

_hanging: set[str] = set()


def does_not_answer(socket: Path) -> bool:
    """Whether this process has asked the daemon behind `socket` before, and it hung."""
    return str(socket) in _hanging


def answered_by_daemon(arguments: Sequence[str]) -> int | None:
    """Prints the answer of a running daemon and returns the exit code; None if it has none for this command."""
    command, given = (arguments[0], list(arguments[1:])) if arguments else ("", [])
    if command not in _OPTIONS:
        return None
    places = [argument for argument in given if not argument.startswith("-")]
    options = {argument for argument in given if argument.startswith("-")} - {"--no-pager"}
    if not options.issubset(_OPTIONS[command]) or len(places) + ("--all" in options) > 1:
        return None
    if command == "handoff" and "--raw" not in options and sys.stdout.isatty():
        return None  # it is laid out for a person then, by what the text alone does not say
    if command == "status":
        return None if places else _answer_status(given, options)
    try:
        folder = None if "--all" in options else os.path.realpath(os.path.expanduser(places[0] if places else "."))  # noqa: PTH111
        answer = _ask(command, {"folder": folder})
    except (OSError, ValueError):
        return None
    if answer is None:
        return None
    return (
        _print_handoff(answer) if command == "handoff" else _print_sessions(answer, given, with_project=folder is None)
    )


def _answer_status(given: Sequence[str], options: Collection[str]) -> int | None:
    """As `answered_by_daemon`: asks what the answer depends on, and then with that."""
    try:
        names = (_ask("status", {}, of_any=True) or {}).get("variables")
        if not names:
            return None
        from carryover.cli.output import print_lines, wants_colour

        as_json = "--json" in options
        variables = {name: os.environ.get(name) for name in names}
        asked = {"variables": variables, "colour": wants_colour(), "as_json": as_json}
        text = (_ask("status", asked) or {}).get("text")
    except (OSError, ValueError):
        return None
    if not isinstance(text, str):
        return None
    if as_json:
        sys.stdout.write(text)
        return 0
    from argparse import Namespace

    from carryover.cli.pager import paged

    with paged(Namespace(no_pager="--no-pager" in given)):
        print_lines(text.splitlines())
    return 0


def _print_handoff(answer: Mapping[str, Any]) -> int | None:
    text = answer.get("text")
    if not isinstance(text, str):
        return None
    sys.stdout.write(text)
    return 0


def _print_sessions(answer: Mapping[str, Any], given: Sequence[str], *, with_project: bool) -> int | None:
    listed = answer.get("sessions")
    if not listed:
        return None
    from argparse import Namespace

    from carryover.cli.pager import paged
    from carryover.cli.session_table import print_sessions

    with paged(Namespace(no_pager="--no-pager" in given)):
        print_sessions(listed, answer["names"], with_project=with_project)
    return 0


def _ask(command: str, asked: Mapping[str, Any], *, of_any: bool = False) -> dict[str, Any] | None:
    """The answer; None where none runs or its answer is not for us. Raises OSError and ValueError.

    `of_any`: an answer for another environment is one as well.
    """
    home = os.path.expanduser("~")  # noqa: PTH111
    address = os.path.join(os.environ.get("CARRYOVER_HOME") or os.path.join(home, ".carryover"), "daemon.sock")  # noqa: PTH118
    if not address.startswith("/") or len(os.fsencode(address)) > _LONGEST_ADDRESS or not os.path.exists(address):  # noqa: PTH110
        return None
    import json
    import time

    body = json.dumps(asked).encode("ascii")
    until = time.monotonic() + WHOLE_S
    head, _, answer = _exchange(address, command, body, until).partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        return None
    found = json.loads(answer)
    is_ours = isinstance(found, dict) and found.get("version") == __version__
    return found if is_ours and (of_any or _same_environment(found.get("variables") or {})) else None


def _exchange(address: str, command: str, body: bytes, until: float) -> bytes:
    """The whole answer. Raises OSError where there is none in time; a daemon that hangs is not asked again."""
    import socket
    import time

    head = f"POST /{command} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(FIRST_S)
        connection.connect(address)
        try:
            connection.sendall(head.encode("ascii") + body)
            received = [connection.recv(65536)]
            while received[-1]:
                connection.settimeout(max(0.001, until - time.monotonic()))
                received.append(connection.recv(65536))
        except TimeoutError:
            _hanging.add(address)
            raise
    return b"".join(received)


def _same_environment(variables: Mapping[str, str | None]) -> bool:
    return all(os.environ.get(name) == value for name, value in variables.items())
