"""A scripted stand-in for the Anthropic Messages API, as far as Claude Code 2.0.65 to 2.1.328 uses it.

Only requests of the main loop (those that offer the Bash, Edit or Read tool) take replies from the script:

    "text"
    {"tool": "Bash", "input": {"command": "ls"}}, or a list of these and of texts
    {"error": {"status": 429, "type": "rate_limit_error", "message": "..."}}
    {"unfinished": "text"}                          a stream that stops in the middle and stays open
    {"full_context": "text" or {"tool": ...}}       an answer that says the context is nearly full
    {"as_told": "task done"}                        what a model says that does what the handoff in its context asks for
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from real_agents.claude_code.obedient_model import first_response
from real_agents.lab.model_server import ModelHandler

USAGE: Final = {
    "input_tokens": 1200,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 40,
}
FULL_CONTEXT: Final = 990_000
"""Input tokens of an answer after which Claude Code compacts by itself."""


class MessagesApi(ModelHandler):
    def do_HEAD(self) -> None:  # noqa: N802 (the name is http.server's)
        self.send_json(200, {})

    def do_GET(self) -> None:  # noqa: N802
        self.model.log_request_body(self.path, None, asked=False)
        self._refuse(404, "not_found_error", "not here")

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_json()
        if self.path.split("?")[0] != "/v1/messages":
            self.model.log_request_body(self.path, body, asked=False)
            if self.path.startswith("/v1/messages/count_tokens"):
                return self.send_json(200, {"input_tokens": 100})
            return self._refuse(404, "not_found_error", "not here")
        asked = of_main_loop(body)
        self.model.log_request_body(self.path, body, asked=asked)
        self._answer(body, self.model.next_reply() if asked else "OK.")
        return None

    def _answer(self, body: Any, reply: Any) -> None:
        if isinstance(reply, dict) and "error" in reply:
            error = reply["error"]
            return self._refuse(error["status"], error["type"], error["message"])
        if isinstance(reply, dict) and "as_told" in reply:
            reply = first_response(told(body), reply["as_told"])
        message = message_of(body.get("model", ""), reply)
        if not body.get("stream"):
            return self.send_json(200, message)
        if isinstance(reply, dict) and "unfinished" in reply:
            return self._begin(message)
        return self.send_events(stream_of(message))

    def _begin(self, message: dict[str, Any]) -> None:
        """Sends the first half of the stream and no more, until the client hangs up."""
        self.send_events(islice(stream_of(message), 3))
        self.rfile.read(1)

    def _refuse(self, status: int, kind: str, text: str) -> None:
        body = {"type": "error", "error": {"type": kind, "message": text}}
        self.send_json(status, body, {"x-should-retry": "false"})


def of_main_loop(body: Any) -> bool:
    """True for the conversation itself: side questions (titles, summaries) come without these tools."""
    tools = (body or {}).get("tools") or []
    return any(tool.get("name") in ("Bash", "Edit", "Read") for tool in tools)


def message_of(model: str, reply: Any) -> dict[str, Any]:
    full = isinstance(reply, dict) and "full_context" in reply
    parts = reply["full_context"] if full else reply
    blocks = [_block(part) for part in (parts if isinstance(parts, list) else [parts])]
    calls = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": {**USAGE, "input_tokens": FULL_CONTEXT} if full else USAGE,
    }


def stream_of(message: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield _event("message_start", message={**message, "content": [], "stop_reason": None})
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            arguments = json.dumps(block["input"])
            empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": arguments}
        yield _event("content_block_start", index=index, content_block=empty)
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=ending, usage={"output_tokens": USAGE["output_tokens"]})
    yield _event("message_stop")


def _event(kind: str, **data: Any) -> tuple[str, Any]:
    return kind, {"type": kind, **data}


def _block(part: Any) -> dict[str, Any]:
    if isinstance(part, str) or "unfinished" in part:
        return {"type": "text", "text": part if isinstance(part, str) else part["unfinished"]}
    call_id = f"toolu_{uuid.uuid4().hex[:24]}"
    return {"type": "tool_use", "id": call_id, "name": part["tool"], "input": part["input"]}


def told(body: dict[str, Any]) -> str:
    """Everything in a request that the model reads: system prompt and messages, tool results included."""
    return "\n".join([_text(body.get("system")), *(_text(message["content"]) for message in body["messages"])])


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part.get("text") or _text(part.get("content")) for part in content)
