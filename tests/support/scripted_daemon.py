"""Answers on a daemon's control socket, or on a port, with what a test has written down beforehand."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

from carryover.paths import socket_address

HEALTH: Final[dict[str, Any]] = {
    "name": "carryoverd",
    "version": "0.1.0",
    "pid": 4711,
    "caught_up": True,
    "waiting_sources": 0,
    "sources": 3,
    "last_sweep_ms": 1_800_000_000_000,
}


@contextmanager
def answering_socket(path: Path, *answers: dict[str, Any]) -> Iterator[None]:
    """On the Unix socket at `path`, each request gets the next answer; the last one again and again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket_address(path) as address:
        server = socketserver.ThreadingUnixStreamServer(address, _handler(*answers))
    with _running(server):
        yield


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(*answers: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    script = chain(answers, repeat(answers[-1]))

    class Handler(BaseHTTPRequestHandler):
        def address_string(self) -> str:
            return "test"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            body = json.dumps(next(script)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
