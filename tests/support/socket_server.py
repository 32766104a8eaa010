"""A tiny HTTP server on a Unix socket that can also misbehave, as a dying daemon might; and systemd's socket."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final, Self

Behaviour = Callable[[socket.socket, threading.Event], None]
"""What is done with a connection whose request was read. The event says that the server stops."""


def answer(status: int, body: bytes = b"") -> Behaviour:
    head = f"HTTP/1.1 {status} Word\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    return lambda connection, _: connection.sendall(head if status == 204 else head + body)


def half(body: bytes, *, then_hang: bool) -> Behaviour:
    """An answer that promises twice as much as it brings, and then ends or hangs."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) * 2}\r\n\r\n".encode() + body)
        if then_hang:
            stop.wait()

    return behave


def hang(_connection: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def close(_connection: socket.socket, _stop: threading.Event) -> None:
    """The connection ends without an answer."""


@dataclass(frozen=True)
class Request:
    """What a client sent. Names of headers are in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class SocketServer:
    """Serves while it is entered. `requests` are those that were read whole."""

    path: Path
    behave: Behaviour
    requests: list[Request] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._listener.bind(f"/proc/self/fd/{folder}/{self.path.name}")  # the path may be too long for an address
        finally:
            os.close(folder)
        self._listener.listen(128)
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:  # shut down
                return
            self._begin(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            request = _read(connection)
            if request is not None:
                self.requests.append(request)
                self.behave(connection, self._stop)


def _read(connection: socket.socket) -> Request | None:
    connection.settimeout(10)
    with connection.makefile("rb") as stream:
        line = stream.readline().decode("latin-1").rstrip()
        headers = {}
        while (header := stream.readline().decode("latin-1").rstrip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        return Request(line, headers, stream.read(int(headers.get("content-length", "0")))) if line else None


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
    """On the Unix socket at `path`, each GET gets the next answer, the last one again and again; all else fails."""
    script = chain(answers, repeat(answers[-1]))

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        is_get = server.requests[-1].line.startswith("GET ")
        (answer(200, json.dumps(next(script)).encode()) if is_get else answer(501))(connection, stop)

    path.parent.mkdir(parents=True, exist_ok=True)
    server = SocketServer(path, behave)
    with server:
        yield


class NotifySocket:
    """Bound to a path, or to a name in the abstract namespace (`@name`) where the system has one."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def receive(self) -> list[str]:
        self._socket.settimeout(20.0)
        return self._socket.recv(4096).decode().split("\n")

    async def next(self) -> list[str]:
        return await asyncio.to_thread(self.receive)

    def pending(self) -> list[str]:
        self._socket.setblocking(False)
        lines = []
        while True:
            try:
                lines += self._socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return lines

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
