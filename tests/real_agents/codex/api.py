"""A scripted stand-in for the OpenAI Responses API, as far as Codex CLI 0.99.0 to 0.169.0 uses it.

Only requests of the conversation itself (those that offer a shell) take replies from the script:

    "text"
    {"shell": "ls"}, {"patch": "*** Begin Patch..."}, or a list of these and of texts
    {"search": "words"}, {"call": ["mcp__name", "tool", {...}]}      tools of MCP servers, which wait to be searched for
    {"error": {"status": 429, "type": "usage_limit_reached", "message": "...", "resets_at": 1999999999}}
    {"unfinished": "text"}                          a stream that stops in the middle and stays open
    {"full_context": "text" or {"shell": ...}}      an answer that says the context is nearly full

`shell` and `patch` become calls of whatever the client offers for them: that changed from version to version.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from real_agents.lab.model_server import ModelHandler

SHELLS: Final = ("exec_command", "shell_command", "shell", "local_shell", "exec")
FULL_CONTEXT: Final = 900_000
"""Tokens of an answer after which Codex compacts by itself."""
YIELD_MS: Final = 30_000
"""How long Codex waits for a command before the model is asked again; without that, 10 s (0.169.0)."""

UNTIL_DELTA: Final = 3


class ResponsesApi(ModelHandler):
    def do_GET(self) -> None:  # noqa: N802 (the name is http.server's)
        self.model.log_request_body(self.path, None, asked=False)
        self.send_json(404, {"error": {"message": "not here"}})

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_json()
        if not self.path.split("?")[0].endswith("/responses") or not isinstance(body, dict):
            self.model.log_request_body(self.path, body, asked=False)
            return self.send_json(404, {"error": {"message": "not here"}})
        asked = of_conversation(body)
        self.model.log_request_body(self.path, body, asked=asked)
        self._answer(body, self.model.next_reply() if asked else "OK.")
        return None

    def _answer(self, body: dict[str, Any], reply: Any) -> None:
        if isinstance(reply, dict) and "error" in reply:
            error = {name: value for name, value in reply["error"].items() if name != "status"}
            return self.send_json(reply["error"]["status"], {"error": error})
        if isinstance(reply, dict) and "unfinished" in reply:
            self.send_events(islice(stream_of(body, reply["unfinished"]), UNTIL_DELTA))
            self.rfile.read(1)
            return None
        return self.send_events(stream_of(body, reply))


def of_conversation(body: dict[str, Any]) -> bool:
    """False for side questions, such as the title of a thread, which come without tools."""
    return any(name in SHELLS for name in tools(body))


def stream_of(body: dict[str, Any], reply: Any) -> Iterator[tuple[str, Any]]:
    full = isinstance(reply, dict) and "full_context" in reply
    parts = reply["full_context"] if full else reply
    response = {"id": _id("resp")}
    yield _event("response.created", response=response)
    for index, part in enumerate(parts if isinstance(parts, list) else [parts]):
        item = _item(part, tools(body))
        if item["type"] == "message":
            [content] = item["content"]
            yield _event("response.output_item.added", output_index=index, item={**item, "content": []})
            place = {"output_index": index, "content_index": 0, "item_id": item["id"]}
            yield _event("response.output_text.delta", **place, delta=content["text"])
        yield _event("response.output_item.done", output_index=index, item=item)
    yield _event("response.completed", response={**response, "usage": _usage(FULL_CONTEXT if full else 1200)})


def _event(kind: str, **data: Any) -> tuple[str, Any]:
    return kind, {"type": kind, **data}


def _usage(tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 40,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens + 40,
    }


def _item(part: Any, offered: dict[str, str]) -> dict[str, Any]:
    if isinstance(part, str):
        text = {"type": "output_text", "text": part, "annotations": []}
        return {"type": "message", "id": _id("msg"), "role": "assistant", "status": "completed", "content": [text]}
    if "search" in part:
        search = {"type": "tool_search_call", "id": _id("ts"), "call_id": _id("call"), "status": "completed"}
        return {**search, "execution": "client", "arguments": {"query": part["search"]}}
    if "call" in part:
        namespace, name, arguments = part["call"]
        return {**_function(name, arguments), "namespace": namespace}
    return _shell(part["shell"], offered) if "shell" in part else _patch(part["patch"], offered)


def _shell(command: str, offered: dict[str, str]) -> dict[str, Any]:
    if "exec_command" in offered:
        return _function("exec_command", {"cmd": command, "yield_time_ms": YIELD_MS})
    if "shell_command" in offered:
        return _function("shell_command", {"command": command})
    if "exec" in offered:
        call = json.dumps({"cmd": command, "yield_time_ms": YIELD_MS})
        return _script(f"const r = await tools.exec_command({call});\ntext(r.output);")
    return _function("shell", {"command": ["bash", "-lc", command]})


def _patch(patch: str, offered: dict[str, str]) -> dict[str, Any]:
    if offered.get("apply_patch") == "custom":
        return _custom("apply_patch", patch)
    if "apply_patch" in offered:
        return _function("apply_patch", {"input": patch})
    if "exec" in offered and "exec_command" not in offered:
        return _script(f"const p = await tools.apply_patch({json.dumps(patch)});\ntext(p);")
    return _shell(f"apply_patch <<'END_OF_PATCH'\n{patch}\nEND_OF_PATCH", offered)


def _function(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    call = {"type": "function_call", "id": _id("fc"), "call_id": _id("call"), "name": name}
    return {**call, "arguments": json.dumps(arguments)}


def _custom(name: str, text: str) -> dict[str, Any]:
    call = {"type": "custom_tool_call", "id": _id("ctc"), "call_id": _id("call"), "status": "completed", "name": name}
    return {**call, "input": text}


def _script(text: str) -> dict[str, Any]:
    """A call in code mode, where every tool is reached from one that runs JavaScript (gpt-6 models)."""
    return {**_custom("exec", text), "namespace": "functions"}


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def told(body: dict[str, Any]) -> str:
    return "\n".join([body.get("instructions") or "", *(_text(item) for item in body["input"])])


def tools(body: dict[str, Any]) -> dict[str, str]:
    """The tools offered, by name, with their kind ("function", "custom"). In code mode they come as an input item."""
    items = [item for item in body["input"] if item.get("type") == "additional_tools"]
    offered = [tool for part in (body, *items) for tool in part.get("tools") or []]
    flat = [inner for tool in offered for inner in (tool.get("tools", []) if tool["type"] == "namespace" else [tool])]
    return {str(tool.get("name", tool["type"])): str(tool["type"]) for tool in flat}


def _text(item: dict[str, Any]) -> str:
    parts = [item.get(name) for name in ("content", "arguments", "input", "output", "tools")]
    return "\n".join(_joined(part) for part in parts if part is not None)


def _joined(part: Any) -> str:
    if isinstance(part, list):
        return "\n".join(str(piece.get("text") or piece.get("name", "")) for piece in part)
    return part if isinstance(part, str) else json.dumps(part)
