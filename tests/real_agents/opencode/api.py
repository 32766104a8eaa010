"""A scripted stand-in for an OpenAI-compatible chat API, as far as opencode 1.1.65 to 1.18.33 uses it.

Only requests of the conversation itself (those that offer a shell) take replies from the script:

    "text"
    {"tool": "bash", "input": {...}}, or a list of these and of texts
    {"error": {"status": 402, "message": "..."}}
    {"unfinished": "text"}                          a stream that stops in the middle and stays open
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from real_agents.lab.model_server import ModelHandler


class ChatApi(ModelHandler):
    def do_GET(self) -> None:  # noqa: N802 (the name is http.server's)
        self.model.log_request_body(self.path, None, asked=False)
        self.send_json(404, {"error": {"message": "not here"}})

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_json()
        if not self.path.split("?")[0].endswith("/chat/completions") or not isinstance(body, dict):
            self.model.log_request_body(self.path, body, asked=False)
            return self.send_json(404, {"error": {"message": "not here"}})
        asked = of_conversation(body)
        self.model.log_request_body(self.path, body, asked=asked)
        self._answer(self.model.next_reply() if asked else "A short title")
        return None

    def _answer(self, reply: Any) -> None:
        if isinstance(reply, dict) and "error" in reply:
            error = reply["error"]
            return self.send_json(error["status"], {"error": {"message": error["message"], "type": "error"}})
        if isinstance(reply, dict) and "unfinished" in reply:
            self._send(_chunk({"role": "assistant", "content": reply["unfinished"]}), end=False)
            self.rfile.read(1)
            return None
        return self._send(*_stream_of(reply), end=True)

    def _send(self, *chunks: dict[str, Any], end: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        if end:
            self.wfile.write(b"data: [DONE]\n\n")
        self.wfile.flush()
        self.close_connection = True


def of_conversation(body: dict[str, Any]) -> bool:
    """False for side questions, such as the title of a session, which come without tools."""
    return bool(body.get("tools"))


def told(body: dict[str, Any]) -> str:
    return "\n".join(_text_of(message.get("content")) for message in body.get("messages", ()))


def _text_of(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _stream_of(reply: Any) -> Iterator[dict[str, Any]]:
    parts = reply if isinstance(reply, list) else [reply]
    calls = [part for part in parts if isinstance(part, dict)]
    yield _chunk({"role": "assistant", "content": ""})
    yield from (_chunk({"content": part}) for part in parts if isinstance(part, str))
    for index, call in enumerate(calls):
        function = {"name": call["tool"], "arguments": json.dumps(call["input"])}
        named = {"index": index, "id": f"call_{uuid.uuid4().hex[:20]}", "type": "function", "function": function}
        yield _chunk({"tool_calls": [named]})
    yield _chunk({}, "tool_calls" if calls else "stop")
    yield {**_BASE, "choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}}


_BASE = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1795000000, "model": "fake-model"}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {**_BASE, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
