"""A client of `carryover mcp`: the real command, spoken to line by line as agents do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

COMMAND: Final = (sys.executable, "-m", "carryover.cli.main", "mcp")
VERSION: Final = "2025-06-18"


class McpClient:
    """A client that works in `folder`, and names `roots` if it is asked. Leaving the context closes the server's input.

    `code`: the server's exit code, from then on.
    """

    def __init__(self, folder: Path, roots: Sequence[Path] = ()) -> None:
        self._roots = roots
        self._number = 0
        self.code: int | None = None
        self._server = subprocess.Popen(
            COMMAND,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def __enter__(self) -> Self:
        capabilities: dict[str, Any] = {"roots": {}} if self._roots else {}
        about = {"clientInfo": {"name": "test", "version": "1"}, "capabilities": capabilities}
        self.about = self.ask("initialize", protocolVersion=VERSION, **about)
        self._send({"method": "notifications/initialized"})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self.code = self._server.wait(timeout=30)
        self._server.stdout.close()

    def ask(self, method: str, **params: Any) -> Any:
        """Returns the result of a request, after answering those of the server."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while (answer := self._next()).get("method") == "roots/list":
            self._send({"id": answer["id"], "result": {"roots": [{"uri": root.as_uri()} for root in self._roots]}})
        assert answer["id"] == self._number
        return answer["result"]

    def call(self, name: str, **given: Any) -> str:
        """Returns the text of a tool's answer."""
        return str(self.ask("tools/call", name=name, arguments=given)["content"][0]["text"])

    def _send(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._server.stdin.flush()

    def _next(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        found: dict[str, Any] = json.loads(self._server.stdout.readline())
        return found
