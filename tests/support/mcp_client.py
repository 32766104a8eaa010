"""A client of `carryover mcp`: the real command, spoken to line by line as agents do."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from support import forked

COMMAND: Final = (*forked.CARRYOVER, "mcp")
PATIENT: Final = (
    *forked.ALTERED,
    "import sys; from carryover.faces.cli import main; from carryover.faces.mcp import server; "
    "server.ROOTS_S = 60.0; sys.exit(main.main(['mcp']))",
)
"""Waits as long for the client's roots as a busy machine may make a test take."""


class McpClient:
    """A client that works in `folder`, and answers `roots` if asked for them. Leaving it closes the server's input.
    `command`: the server, which waits long for them if not given.

    `code`: the server's exit code, from then on. `input`, `output`: the pipes to and from the server.
    """

    def __init__(self, folder: Path, roots: Mapping[str, Any] | None = None, command: Sequence[str] = ()) -> None:
        self._roots = roots
        self._number = 0
        self.code: int | None = None
        (given, ours), (theirs, output), quiet = os.pipe(), os.pipe(), os.open(os.devnull, os.O_WRONLY)
        command = command or (PATIENT if roots else COMMAND)
        self._server = forked.start(command, cwd=folder, streams=(given, output, quiet))
        for descriptor in (given, output, quiet):
            os.close(descriptor)
        self.input, self.output = os.fdopen(ours, "wb", buffering=0), os.fdopen(theirs, "rb")

    def __enter__(self) -> Self:
        capabilities: dict[str, Any] = {"roots": {}} if self._roots else {}
        about = {"clientInfo": {"name": "test", "version": "1"}, "capabilities": capabilities}
        self.about = self.ask("initialize", protocolVersion="2025-06-18", **about)
        self.send({"method": "notifications/initialized"})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.input.close()
        self.code = self._server.wait(30)
        self.output.close()

    def ask(self, method: str, **params: Any) -> Any:
        self._number += 1
        self.send({"id": self._number, "method": method, "params": params})
        while (answer := self.next()).get("method") == "roots/list":
            self.send({"id": answer["id"], **(self._roots or {})})
        assert answer["id"] == self._number
        return answer["result"]

    def call(self, name: str, **given: Any) -> str:
        return str(self.ask("tools/call", name=name, arguments=given)["content"][0]["text"])

    def send(self, message: dict[str, Any]) -> None:
        self.input.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def next(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output.readline())
        return found
