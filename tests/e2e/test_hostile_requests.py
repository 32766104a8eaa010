"""What nobody should send: it keeps nobody waiting, and none of it is written down."""

import os
import re
import socket
import struct
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from support import forked
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.hook_client import HookClient

SAID = b"Words-of-the-request"
HOST = b"Host: localhost\r\n"
GET = b"GET /health HTTP/1.1\r\n" + HOST
POST = b"POST /hook/claude-code/Stop HTTP/1.1\r\n" + HOST
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
REQUESTS = {
    "method": b"<" + SAID + b"> / HTTP/1.1\r\n" + HOST + b"\r\n",
    "target": b"GET http://[" + SAID + b"/ui/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "version": b"GET / HTTP/9." + SAID + b"\r\n\r\n",
    "header": GET + SAID + b" x\r\n\r\n",
    "header value": GET + b"X: " + SAID + b"\x00\r\n\r\n",
    "long line": b"GET /" + SAID * 2000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "long header": GET + b"X: " + SAID * 2000 + b"\r\n\r\n",
    "many headers": GET + b"".join(b"X%d: %s\r\n" % (number, SAID) for number in range(2000)) + b"\r\n",
    "chunk": CHUNKED + SAID + b"\r\n",
    "later chunk": CHUNKED + b"2\r\n{}\r\n" + SAID + b"\r\n",
    "length": POST + b"Content-Length: " + SAID + b"\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + SAID,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00" + SAID,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SAID,
    "WebSocket": GET + UPGRADE + SAID * 100_000,
    "WebSocket at the page": b"GET /ui/api/revision HTTP/1.1\r\n" + HOST + UPGRADE + SAID,
    "pipeline": (GET + b"X: " + SAID + b"\r\n\r\n") * 5000,
    "expectation": POST + b"Expect: " + SAID + b"\r\nContent-Length: 2\r\n\r\n{}",
    "half of a body": POST + b"Content-Length: 100\r\n\r\n{" + SAID,
    "half of a chunk": CHUNKED + b"40\r\n" + SAID,
}
FEW_DESCRIPTORS = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
from carryover.faces.cli.carryoverd import main
raise SystemExit(main())
"""


def answer_to(port: int, sent: bytes) -> bytes:
    """What comes back for a request until the daemon closes the connection, which may be before it was read whole."""
    heard = b""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection, suppress(ConnectionError):
        connection.sendall(sent)
        while part := connection.recv(65536):
            heard += part
    return heard


def cut_off_after(port: int, sent: bytes) -> None:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(sent)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture
def printed(daemon: DaemonProcess, free_port: None, tmp_path: Path) -> Path:
    """What a daemon that runs prints."""
    path = tmp_path / "printed"
    with path.open("wb") as file:
        daemon.start(streams=(file.fileno(),) * 3)
    daemon.wait_until_it_answers()
    return path


def test_nothing_of_a_request_is_logged_or_printed(daemon: DaemonProcess, printed: Path) -> None:
    port = daemon.port
    for what, sent in REQUESTS.items():
        heard = answer_to(port, sent)
        assert len(re.findall(rb"^HTTP/1\.\d \d+ ", heard, re.MULTILINE)) <= 1, what
        cut_off_after(port, sent[:20_000])
    assert daemon.settle()["caught_up"]

    files = [path for path in daemon.state.root.rglob("*") if path.is_file()]
    assert not [path for path in (*files, printed) if SAID in path.read_bytes()]
    assert printed.read_text().count("\n") == 1
    assert not [line for line in daemon.log() if line.startswith(("ERROR", "WARNING"))]


def test_silent_connections_take_no_descriptors_that_reading_needs(
    daemon: DaemonProcess, session: ClaudeSession, free_port: None
) -> None:
    """On both endpoints, more of them than descriptors: what agents write is still read, and hooks are answered."""
    few = DaemonProcess((*forked.ALTERED, FEW_DESCRIPTORS), env=daemon.env)
    with few, ExitStack() as silent:
        for _ in range(100):
            silent.enter_context(socket.create_connection(("127.0.0.1", few.port)))
            control = silent.enter_context(socket.socket(socket.AF_UNIX))
            control.connect(os.fspath(few.state.socket))
        session.work()
        few.settle()

        assert handoff_of(session.cwd) != ""
        over_port = HookClient(port=few.port, secret=few.state.secret.read_text().strip())
        assert [each.start(session).status for each in (HookClient(few.state.socket), over_port)] == [200, 200]
        assert not [line for line in few.log() if "EMFILE" in line]
