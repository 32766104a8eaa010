"""A scripted stand-in for the OpenAI chat API, as far as Aider 0.82.3 to 0.86.2 uses it.

Only requests to the main model take replies from the script; the weak model, which words the commits, says the same
each time.

    "text"
    {"error": {"status": 429, "message": "..."}}
"""

from __future__ import annotations

import json
from typing import Any, Final

from real_agents.lab.model_server import ModelHandler

MODEL: Final = "gpt-4o"
COMMIT: Final = "fix: a change"


class ChatApi(ModelHandler):
    def do_GET(self) -> None:  # noqa: N802 (the name is http.server's)
        self.send_json(404, {"error": {"message": "not here"}})

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_json()
        if not isinstance(body, dict):
            return self.send_json(404, {"error": {"message": "not here"}})
        asked = body.get("model") == MODEL
        self.model.log_request_body(self.path, body, asked=asked)
        reply = self.model.next_reply() if asked else COMMIT
        if isinstance(reply, dict):
            error = {"message": reply["error"]["message"], "type": "error", "code": None}
            return self.send_json(reply["error"]["status"], {"error": error})
        return self._stream(reply) if body.get("stream") else self._whole(reply)

    def _whole(self, text: str) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        self.send_json(200, {**_head("chat.completion"), "choices": [choice], "usage": _USAGE})

    def _stream(self, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        for delta, reason in (({"role": "assistant", "content": text}, None), ({}, "stop")):
            chunk = {
                **_head("chat.completion.chunk"),
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
            }
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


_USAGE: Final = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": MODEL}


def told(body: dict[str, Any]) -> str:
    return "\n".join(_text(message["content"]) for message in body["messages"])


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
