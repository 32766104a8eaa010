"""Asks a running daemon, over its control socket.

A plain socket and HTTP/1.0, because a client library would cost more start-up time than the answer takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from carryover.errors import UserError
from carryover.paths import socket_address


def ask_daemon(socket_path: Path, method: str, target: str, *, timeout_s: float) -> dict[str, Any] | None:
    """The daemon's answer to one request, or None when no daemon listens there or it ends before it has answered.

    Raises TimeoutError when it does not answer within `timeout_s`, UserError when the answer is not the daemon's.
    """
    if not socket_path.exists():
        return None
    import socket  # not at the top: mostly there is nobody to ask

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with socket_address(socket_path) as address:
                connection.connect(address)
            request = f"{method} {target} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(request.encode("ascii"))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except (FileNotFoundError, NotADirectoryError, ConnectionError):
            return None
    return _body(answer, socket_path) if answer else None


def _body(answer: bytes, socket_path: Path) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    try:
        parsed = msgspec.json.decode(body)
    except msgspec.DecodeError:
        parsed = None
    if status != [b"200"] or not isinstance(parsed, dict):
        raise UserError(
            f"What listens on {socket_path} did not answer as a Carryover daemon does. "
            "Is an older version still running? Restart carryoverd."
        )
    return parsed
