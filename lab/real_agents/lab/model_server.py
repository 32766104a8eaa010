"""What all stand-ins for model providers share; `serve_model.py` starts one.

Tests control it from outside by files, of one JSON value per line: they write replies to `replies.jsonl`, and read
`requests.jsonl`, where `asked` is true for requests that took their turn in the script.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final, cast

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


class ModelHandler(BaseHTTPRequestHandler, ABC):
    """HTTP/1.1 with JSON bodies and server-sent events. What a provider's own adds: which requests ask for an answer,
    which of these take their turn in the script, and how an answer looks.

    A reply of the script is a text, a call of a tool, a list of both, or

        {"error": {"status": 429, "message": "..."}}    with what else the provider says of it
        {"unfinished": "text"}                          a stream that stops in the middle and stays open
    """

    protocol_version = "HTTP/1.1"
    ASKS: ClassVar[str]
    """Regular expression for the path of a request that asks for an answer."""
    COUNTS: ClassVar[tuple[str, Any]] = ("^$", None)
    """The same for one that only counts tokens, and the answer."""
    ASIDE: ClassVar[str] = "OK."
    """The answer to questions beside the conversation: titles, summaries and the like."""
    BEGINNING: ClassVar[int] = 3
    """How many events of a stream there are up to its first piece of text."""

    @property
    def model(self) -> ModelServer:
        return cast(ModelServer, self.server)

    def of_conversation(self, body: dict[str, Any]) -> bool:
        """Returns whether a request takes its turn in the script."""
        return bool(body.get("tools"))

    def streams(self, body: dict[str, Any]) -> bool:
        return bool(body.get("stream"))

    @abstractmethod
    def stream(self, body: dict[str, Any], reply: Any) -> Iterator[tuple[str, Any]]:
        """Yields the events of an answer, each with its name or none."""

    def whole(self, body: dict[str, Any], reply: Any) -> Any:
        """Returns an answer that is not streamed; a client that always streams asks for none."""
        return {}

    @staticmethod
    @abstractmethod
    def told(body: dict[str, Any]) -> str:
        """Returns all that the model reads in a request: instructions, messages, calls and their results."""

    def refuse(self, status: int, **error: Any) -> None:
        self.send_json(status, {"error": error})

    def do_GET(self) -> None:
        self.model.log_request_body(self.path, None, asked=False)
        self.refuse(404, message="not here")

    def do_POST(self) -> None:
        body = self.read_json()
        asks = re.search(self.ASKS, self.path) is not None and isinstance(body, dict)
        asked = asks and self.of_conversation(body)
        self.model.log_request_body(self.path, body, asked=asked)
        if asks:
            self.answer(body, self.model.next_reply() if asked else self.ASIDE)
        elif re.search(self.COUNTS[0], self.path):
            self.send_json(200, self.COUNTS[1])
        else:
            self.refuse(404, message="not here")

    def answer(self, body: dict[str, Any], reply: Any) -> None:
        if isinstance(reply, dict) and "error" in reply:
            self.refuse(**reply["error"])
        elif isinstance(reply, dict) and "unfinished" in reply:
            self.send_events(islice(self.stream(body, reply["unfinished"]), self.BEGINNING))
            self.rfile.read(1)  # until the client hangs up
        elif self.streams(body):
            self.send_events(self.stream(body, reply))
        else:
            self.send_json(200, self.whole(body, reply))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: the log is `requests.jsonl`."""

    def read_json(self) -> Any:
        """Returns the request's body, or None if it is not JSON."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            return json.loads(raw)
        except ValueError:
            return None

    def send_json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"content-type": "application/json", "content-length": len(data), **(headers or {})}.items():
            self.send_header(name, str(text))
        self.end_headers()
        self.wfile.write(data)

    def send_events(self, events: Iterable[tuple[str, Any]]) -> None:
        """Sends a `text/event-stream`; it ends the connection, so no length and no chunks are needed."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        for kind, data in events:
            name = f"event: {kind}\n" if kind else ""
            self.wfile.write(f"{name}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode())
        self.close_connection = True


def parts_of(reply: Any) -> list[Any]:
    return reply if isinstance(reply, list) else [reply]


def text_of(content: Any) -> str:
    """Returns the text of a message's content, which is a text or a list of parts with one each."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str(part.get("text") or text_of(part.get("content"))) for part in content)


class ChatApi(ModelHandler):
    """OpenAI's chat completions, as far as Aider 0.82.3 to 0.86.2, Copilot CLI 1.0.48 and 1.0.102, and opencode 1.2.27
    to 1.18.33 use them. A call in the script: {"tool": "bash", "input": {...}}."""

    ASKS = "/chat/completions"
    BEGINNING = 2
    MODEL: ClassVar[str] = "fake-model"
    USAGE: ClassVar[dict[str, int]] = {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}

    def do_GET(self) -> None:
        self.send_json(200, {"object": "list", "data": [{"id": self.MODEL, "object": "model", "owned_by": "fake"}]})

    def refuse(self, status: int, **error: Any) -> None:
        self.send_json(status, {"error": {"type": "error", "code": None, **error}})

    def stream(self, body: dict[str, Any], reply: Any) -> Iterator[tuple[str, Any]]:
        head = {**self._head(), "object": "chat.completion.chunk"}  # Copilot 1.0.48 puts together only those of one id
        message, reason = self._message(reply)
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": message["content"]}] if message["content"] else []
        deltas += [{"tool_calls": [{"index": at, **call}]} for at, call in enumerate(message.get("tool_calls", ()))]
        for delta in deltas:
            yield "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        yield "", {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
        yield "", {**head, "choices": [], "usage": self.USAGE}
        yield "", "[DONE]"

    def whole(self, body: dict[str, Any], reply: Any) -> Any:
        message, reason = self._message(reply)
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {**self._head(), "object": "chat.completion", "choices": [choice], "usage": self.USAGE}

    @staticmethod
    def told(body: dict[str, Any]) -> str:
        messages = body["messages"]
        calls = [call["function"]["arguments"] for message in messages for call in message.get("tool_calls") or ()]
        return "\n".join([*(text_of(message.get("content")) for message in messages), *calls])

    def _head(self) -> dict[str, Any]:
        return {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": self.MODEL}

    def _message(self, reply: Any) -> tuple[dict[str, Any], str]:
        """Returns the message, and why it ends."""
        texts = [part for part in parts_of(reply) if isinstance(part, str)]
        message: dict[str, Any] = {"role": "assistant", "content": "\n".join(texts) or None}
        calls = [
            {"id": f"call_{uuid.uuid4().hex[:20]}", "type": "function", "function": function}
            for part in parts_of(reply)
            if isinstance(part, dict)
            for function in [{"name": part["tool"], "arguments": json.dumps(part["input"])}]
        ]
        return (message | {"tool_calls": calls}, "tool_calls") if calls else (message, "stop")
