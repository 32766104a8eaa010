"""Bytes on the port of the daemon, where hooks and the page are: an answer or the end, and never an error of ours.

No answer holds the secret or a status 500, the log holds nothing of what was sent, and the next caller is answered.
In the bytes, `$SECRET` stands for the hooks' secret, `$COOKIE` for a browser's that has the page open, `$PORT` for the
port. The token of the page is not among them, so nothing is started.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from carryover.config import Config, ServerConfig
from carryover.daemon.context import DaemonContext
from carryover.daemon.endpoints import HookPort
from carryover.daemon.log import Log
from carryover.distill.stored_digest import DigestReducer
from carryover.faces.page import page_for
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from fuzz.targets import hook_calls
from support.clock import LogLines
from support.hook_desk import HookDesk

LARGEST: Final = 3_000
_ANSWER: Final = re.compile(rb"HTTP/\d\.\d (\d{3}) ")
_CORPUS: Final = Path(__file__).parents[3] / "tests" / "e2e" / "corpus"
_WORD: Final = re.compile(rb"[A-Za-z0-9/_-]{12,}")
_MOST_SAID: Final = 1 << 20
_BRIEFLY_S: Final = 0.05
"""What is only half a request gets no answer before its time is up."""


class _Server:
    """The port of a daemon without its tasks, in a thread of its own until the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.lines = LogLines()
        self.port, self.secret, self.cookie, self.host = 0, "", "", ""
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        assert self._ready.wait(60)

    async def _serve(self) -> None:
        state = StateDir(self._folder / ".carryover")
        ledger = await Ledger.open(state.ledger, DigestReducer())
        log = Log(lambda _level, text: self.lines.add(text))
        config = Config(server=ServerConfig(port=0))
        context = DaemonContext(state=state, home=self._folder, env={}, config=config, ledger=ledger, log=log)
        page = page_for(context)
        hooks = HookDesk(context).hooks
        port = HookPort(context, hooks, page)
        port.prepare()
        task = asyncio.create_task(port.run())
        await self.lines.until("listening")
        assert port.state.port is not None
        self.port, self.secret = port.state.port, state.secret.read_text().strip()
        new = await page.key()
        self.host = new.host
        self._ready.set()
        asked = f"GET /ui/?key={new.key} HTTP/1.1\r\nHost: {new.host}:{self.port}\r\n\r\n"
        welcome = await asyncio.to_thread(self.said, asked.encode())
        found = re.search(rb"Set-Cookie: \w+=([^;\r]+)", welcome)
        self.cookie = found[1].decode() if found is not None else ""
        await task

    def said(self, data: bytes, patience_s: float = 10) -> bytes:
        """Returns all that is answered to `data`, until the connection is closed; nothing more is sent then, or once
        nothing has come for so long."""
        said = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience_s) as connection:
            try:
                connection.sendall(data)
                while piece := connection.recv(1 << 16):
                    said += piece
                    assert len(said) < _MOST_SAID
            except (TimeoutError, ConnectionResetError, BrokenPipeError):
                return said
        return said


_servers: Final[dict[Path, _Server]] = {}


def check(data: bytes, folder: Path) -> None:
    server = _servers.get(folder) or _servers.setdefault(folder, _Server(folder))
    data = data.replace(b"$PORT", b"%d" % server.port).replace(b"$HOST", server.host.encode())
    sent = data.replace(b"$SECRET", server.secret.encode()).replace(b"$COOKIE", server.cookie.encode())
    server.lines.clear()
    said = server.said(sent, _BRIEFLY_S)
    assert not said or _ANSWER.match(said)
    assert b"500" not in _ANSWER.findall(said), server.lines
    assert server.secret.encode() not in said or b"$SECRET" in data
    logged = "\n".join(server.lines).encode()
    assert [word for word in _WORD.findall(data) if word in logged and b"hook" not in word] == []
    assert not any(line.startswith("request_failed") for line in server.lines), server.lines
    assert b"carryoverd" in server.said(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")


def seeds() -> Iterable[bytes]:
    for path in sorted(_CORPUS.iterdir()):
        yield path.read_bytes()
    host = b" HTTP/1.1\r\nHost: localhost:$PORT\r\n"
    page = b"Cookie: carryover_page=$COOKIE\r\nSec-Fetch-Site: same-origin\r\n\r\n"
    for target in (
        *(b"", b"api/me", b"api/projects", b"api/search?q=a&project=1&kind=prompt&since=1", b"app.js"),
        *(b"api/project/1/handoff", b"api/project/1/timeline"),
        b"api/session/codex/s1?before=2",
    ):
        yield b"GET /ui/" + target + b" HTTP/1.1\r\nHost: $HOST:$PORT\r\n" + page
    for data in hook_calls.seeds():
        event = b"claude-code/SessionStart" if data[0] % 2 else b"codex/Stop"
        head = b"POST /hook/" + event + host + b"X-Carryover-Secret: $SECRET\r\nContent-Length: %d\r\n\r\n"
        yield head % (len(data) - 1) + data[1:]
