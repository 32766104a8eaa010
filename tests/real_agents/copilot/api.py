"""A scripted stand-in for an OpenAI chat completions API, as far as Copilot CLI 1.0.48 and 1.0.102 use it.

Requests of the conversation take replies from the script:

    "text"
    {"shell": "ls"}
    {"call": "edit", "arguments": {...}}, or a list of these and of texts
    {"error": {"status": 429, "code": "quota_exceeded", "message": "..."}}
    {"unfinished": "text"}                          a stream that stops in the middle and stays open

The request for the summary of a compaction gets one that says nothing.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, Final

from real_agents.lab.model_server import ModelHandler

MODEL: Final = "fake-model"
SUMMARY: Final = "The fruit shop was worked on."
SUMMARY_ORDER: Final = "Please create a detailed summary of the conversation so far"
"""How the client asks for the summary of a compaction (1.0.48, 1.0.102)."""


class ChatApi(ModelHandler):
    def do_GET(self) -> None:  # noqa: N802 (the name is http.server's)
        self.send_json(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "fake"}]})

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_json()
        if not self.path.endswith("/chat/completions") or not isinstance(body, dict):
            self.model.log_request_body(self.path, body, asked=False)
            return self.send_json(404, {"error": {"message": "not here"}})
        asked = bool(body.get("tools")) and not asks_for_summary(body)
        self.model.log_request_body(self.path, body, asked=asked)
        reply = self.model.next_reply() if asked else SUMMARY
        if isinstance(reply, dict) and "error" in reply:
            error = {name: value for name, value in reply["error"].items() if name != "status"}
            return self.send_json(reply["error"]["status"], {"error": error})
        if not body.get("stream"):
            message = _message(reply)
            choice = {"index": 0, "message": message, "finish_reason": _reason(message)}
            return self.send_json(200, {**_base(), "object": "chat.completion", "choices": [choice], "usage": _USAGE})
        return self._stream(reply)

    def _stream(self, reply: Any) -> None:
        unfinished = isinstance(reply, dict) and "unfinished" in reply
        message = _message(reply["unfinished"] if unfinished else reply)
        calls = [{"index": index, **call} for index, call in enumerate(message.get("tool_calls", ()))]
        texts = [{"role": "assistant", "content": message["content"]}] if message["content"] else []
        deltas = [*texts, *([{"role": "assistant", "content": None, "tool_calls": calls}] if calls else [])]
        chunks: list[dict[str, Any]] = [
            *({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas),
            {"choices": [{"index": 0, "delta": {}, "finish_reason": _reason(message)}]},
            {"choices": [], "usage": _USAGE},
        ]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        base = _base()  # 1.0.48 puts together only chunks of one id
        for chunk in chunks[: 1 if unfinished else None]:
            data = {**base, "object": "chat.completion.chunk", **chunk}
            self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
            self.wfile.flush()
        if unfinished:
            self.rfile.read(1)
        else:
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


_USAGE: Final = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


def _base() -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": MODEL}


def _reason(message: dict[str, Any]) -> str:
    return "tool_calls" if "tool_calls" in message else "stop"


def _message(reply: Any) -> dict[str, Any]:
    parts = reply if isinstance(reply, list) else [reply]
    texts = [part for part in parts if isinstance(part, str)]
    calls = [_call(part) for part in parts if isinstance(part, dict)]
    return {
        "role": "assistant",
        "content": "\n".join(texts) or None,
        **({"tool_calls": calls} if calls else {}),
    }


def _call(part: dict[str, Any]) -> dict[str, Any]:
    name, arguments = part.get("call"), part.get("arguments")
    if "shell" in part:
        name, arguments = "bash", {"command": part["shell"], "description": "Run it"}
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function}


def told(body: dict[str, Any]) -> str:
    return "\n".join(_text(message) for message in body["messages"])


def asks_for_summary(body: dict[str, Any]) -> bool:
    users = [_text(message) for message in body["messages"] if message["role"] == "user"]
    return bool(users) and users[-1].lstrip().startswith(SUMMARY_ORDER)


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "\n".join(str(part.get("text", "")) for part in content)
    calls = [call["function"]["arguments"] for call in message.get("tool_calls") or []]
    return "\n".join([text, *calls])
