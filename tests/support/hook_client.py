"""Calls a daemon as an agent's hook or a browser does, with nothing but the standard library's HTTP."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from support.claude_session import ClaudeSession
from support.daemon_process import wait_until

LIMIT_S = 60.0


class Heard(msgspec.Struct, frozen=True):
    status: int
    text: str = ""


class HookClient:
    """Calls over the socket at `socket_path`, or over `port`; `secret` is then sent along unless it is None."""

    def __init__(self, socket_path: Path | None = None, *, port: int | None = None, secret: str | None = None) -> None:
        self._socket_path = socket_path
        self._port = port
        self._secret = secret

    def call(
        self,
        event: str,
        payload: Mapping[str, Any] | bytes,
        *,
        agent: str = "claude-code",
        headers: Mapping[str, str] | None = None,
    ) -> Heard:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.ask("POST", f"/hook/{agent}/{event}", body, headers)

    def start(self, before: ClaudeSession, **more: Any) -> Heard:
        """What a session is told that starts where `before` is."""
        return self.call("SessionStart", start_after(before, **more))

    def told(self, before: ClaudeSession, **more: Any) -> str:
        """The same where it is told something. On a busy machine a daemon may not answer in the time that agents give
        it, or take its disk for a silent one: then the session starts anew."""
        return wait_until("an answer in time", lambda: self.start(before, **more).text or None)

    def call_in_time(
        self, event: str, payload: Mapping[str, Any] | bytes, *, agent: str, headers: Mapping[str, str] | None = None
    ) -> Heard:
        """Repeats a call until the daemon answers it, or keeps its payload, in time; on a busy machine it may not."""

        def heard() -> Heard | None:
            answer = self.call(event, payload, agent=agent, headers=headers)
            return answer if answer.status != HTTPStatus.SERVICE_UNAVAILABLE else None

        return wait_until("an answer in time", heard)

    def ask(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Heard:
        secret = {"X-Carryover-Secret": self._secret} if self._secret is not None else {}
        with closing(self._connection()) as connection:
            connection.request(method, target, body, {**secret, **(headers or {})})
            answer = connection.getresponse()
            return Heard(answer.status, answer.read().decode())

    def _connection(self) -> http.client.HTTPConnection:
        if self._socket_path is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_S)
        connection = http.client.HTTPConnection("localhost", timeout=LIMIT_S)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(LIMIT_S)
        connection.sock.connect(os.fspath(self._socket_path))
        return connection


def start_after(before: ClaudeSession, **more: Any) -> dict[str, Any]:
    """The payload of a session that starts where `before` is, and has written nothing yet."""
    new = ClaudeSession(before.folder, before.cwd, now=before.now)
    return payload_of(new, "SessionStart", **{"source": "startup", **more})


def payload_of(session: ClaudeSession, event: str, **more: Any) -> dict[str, Any]:
    """What Claude Code 2.1.328 writes to a hook's stdin."""
    return {
        "session_id": session.session,
        "transcript_path": str(session.path),
        "cwd": str(session.cwd),
        "hook_event_name": event,
        **more,
    }


class Shown(msgspec.Struct, frozen=True):
    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        return json.loads(self.text)


@dataclass
class PageClient:
    """A browser that shows the page on `port`, or tries to, below the host `name`."""

    port: int
    name: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://{self.name}:{self.port}"

    def open(self, key: str) -> Shown:
        """Use a key; from then on the cookie is sent."""
        shown = self.get(f"/ui/?key={key}")
        if "Set-Cookie" in shown.headers:
            self.headers["Cookie"] = shown.headers["Set-Cookie"].partition(";")[0]
        return shown

    def get(self, target: str, **headers: str) -> Shown:
        return self.ask("GET", target, headers)

    def data(self, target: str) -> Any:
        shown = self.get(f"/ui/api/{target}")
        assert shown.status == 200, shown
        return shown.data

    def ask(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Shown:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)) as connection:
            connection.request(method, target, body, {**self._host(), **self.headers, **(headers or {})})
            answer = connection.getresponse()
            return Shown(answer.status, answer.read().decode(), dict(answer.getheaders()))

    def _host(self) -> dict[str, str]:
        return {"Host": f"{self.name}:{self.port}"}
