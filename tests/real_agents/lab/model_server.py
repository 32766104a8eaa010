"""What all stand-ins for model providers share: `python -m real_agents.lab.model_server AGENT FOLDER PORT`.

An HTTP server on loopback, run inside a box. Tests control it from outside by files: they write replies to
`replies.jsonl` (one JSON value per line, taken out in order as they are given) and read `requests.jsonl` (one JSON
object per line: `at_s`, seconds since the epoch, `path`, `asked`, true for requests that took their turn in the script,
`body`). An agent's own module (`API` of its driver) adds the wire format.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, cast

PORT: Final = 8787


class ModelServer(ThreadingHTTPServer):
    """The server and its two files. When the script is used up, the reply is the text "OK."."""

    daemon_threads = True

    def __init__(self, handler: type[ModelHandler], folder: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._replies = folder / "replies.jsonl"
        self._requests = folder / "requests.jsonl"
        self._lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not an error (Claude Code 2.0.65 does at its end)."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def log_request_body(self, path: str, body: Any, *, asked: bool) -> None:
        entry = {"at_s": time.time(), "path": path, "asked": asked, "body": body}
        line = json.dumps(entry, ensure_ascii=False)
        with self._lock, self._requests.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def next_reply(self) -> Any:
        with self._lock:
            reply, *rest = self._replies.read_text("utf-8").splitlines() or ['"OK."']
            self._replies.write_text("".join(f"{line}\n" for line in rest), "utf-8")
            return json.loads(reply)


class ModelHandler(BaseHTTPRequestHandler):
    """HTTP/1.1 with JSON bodies and server-sent events."""

    protocol_version = "HTTP/1.1"

    @property
    def model(self) -> ModelServer:
        return cast(ModelServer, self.server)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: the log is `requests.jsonl`."""

    def read_json(self) -> Any:
        """The request's body; `None` where it is not JSON."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            return json.loads(raw)
        except ValueError:
            return None

    def send_json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def send_events(self, events: Iterable[tuple[str, Any]]) -> None:
        """A `text/event-stream` answer; ends the connection, so no length and no chunks are needed."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        for kind, data in events:
            self.wfile.write(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode())
        self.close_connection = True


def main(agent_id: str, folder: str, port: str) -> None:
    """Serves until it is killed; prints "ready" when it listens."""
    from real_agents.lab.tool import tools  # a driver imports this module

    server = ModelServer(tools()[agent_id].API, Path(folder), int(port))
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
