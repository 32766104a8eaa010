"""Calls a daemon as an agent's hook does, with nothing but the standard library's HTTP."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from support.claude_session import ClaudeSession

LIMIT_S = 30.0


class Heard(msgspec.Struct, frozen=True):
    status: int
    text: str = ""


class HookClient:
    """Calls over the socket at `socket_path`, or over `port`; `secret` is then sent along unless it is None."""

    def __init__(self, socket_path: Path | None = None, *, port: int | None = None, secret: str | None = None) -> None:
        self._socket_path = socket_path
        self._port = port
        self._secret = secret

    def call(self, event: str, payload: Mapping[str, Any] | bytes, *, agent: str = "claude-code") -> Heard:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.ask("POST", f"/hook/{agent}/{event}", body)

    def start(self, before: ClaudeSession, **more: Any) -> Heard:
        """What a session is told that starts where `before` is."""
        return self.call("SessionStart", start_after(before, **more))

    def ask(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Heard:
        connection = self._connection()
        try:
            secret = {"X-Carryover-Secret": self._secret} if self._secret is not None else {}
            connection.request(method, target, body, {**secret, **(headers or {})})
            answer = connection.getresponse()
            return Heard(answer.status, answer.read().decode())
        finally:
            connection.close()

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
