"""A connection over loopback, and what a server's transport knows of its ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock


@contextmanager
def connected(address: str = "127.0.0.1", *, by: str | None = None) -> Iterator[tuple[socket.socket, Mock]]:
    """The client's end, and a server's transport. The client connects to `by`, if that is another form of `address`."""
    with (
        socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as listener,
        socket.create_connection((by or address, listener.getsockname()[1])) as client,
        listener.accept()[0] as accepted,
    ):
        ends = {"peername": accepted.getpeername(), "sockname": accepted.getsockname()}
        yield client, Mock(get_extra_info=ends.get)
