"""A scripted stand-in for the Gemini API, as far as Gemini CLI 0.26.0 to 0.61.0 uses it.

Only requests of the conversation itself (those that offer a shell) take replies from the script:

    "text"
    {"shell": "ls"}, {"tool": ["read_file", {"file_path": "a"}]}, or a list of these and of texts
    {"error": {"status": 429, "message": "...", "quota": "day"}}
    {"unfinished": "text"}                          a stream that stops in the middle and stays open
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from real_agents.lab.model_server import ModelHandler

SHELL: Final = "run_shell_command"
QUOTAS: Final = {
    "day": "GenerateRequestsPerDayPerProjectPerModel",
    "minute": "GenerateRequestsPerMinutePerProjectPerModel",
}

_NUMBERS: Final = itertools.count(1)


class GenerateApi(ModelHandler):
    def do_GET(self) -> None:  # noqa: N802 (the name is http.server's)
        self.model.log_request_body(self.path, None, asked=False)
        self.send_json(404, error_of(404, "not here", None))

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_json()
        if ":countTokens" in self.path:
            return self.send_json(200, {"totalTokens": 100})
        if "enerateContent" not in self.path or not isinstance(body, dict):
            self.model.log_request_body(self.path, body, asked=False)
            return self.send_json(404, error_of(404, "not here", None))
        asked = ":streamGenerateContent" in self.path and SHELL in tools(body)
        self.model.log_request_body(self.path, body, asked=asked)
        self._answer(self.model.next_reply() if asked else "OK.")
        return None

    def _answer(self, reply: Any) -> None:
        if isinstance(reply, dict) and "error" in reply:
            wrong = reply["error"]
            return self.send_json(wrong["status"], error_of(wrong["status"], wrong["message"], wrong.get("quota")))
        if ":streamGenerateContent" not in self.path:
            return self.send_json(200, frame(parts_of(reply), "STOP"))
        if isinstance(reply, dict) and "unfinished" in reply:
            self._send_frames([frame([{"text": reply["unfinished"]}])])
            self.rfile.read(1)
            return None
        return self._send_frames(frames_of(reply))

    def _send_frames(self, frames: Iterable[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for one in frames:
            self.wfile.write(f"data: {json.dumps(one)}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True


def frames_of(reply: Any) -> Iterator[dict[str, Any]]:
    for part in parts_of(reply):
        yield frame([part])
    yield frame([{"text": ""}], "STOP")


def parts_of(reply: Any) -> list[dict[str, Any]]:
    return [_part(one) for one in (reply if isinstance(reply, list) else [reply])]


def _part(one: Any) -> dict[str, Any]:
    if isinstance(one, str):
        return {"text": one}
    name, args = (SHELL, {"command": one["shell"]}) if "shell" in one else one["tool"]
    return {"functionCall": {"id": f"call{next(_NUMBERS):04d}", "name": name, "args": args}}


def frame(parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-pro",
        "responseId": f"resp-{next(_NUMBERS)}",
    }


def error_of(status: int, message: str, quota: str | None) -> dict[str, Any]:
    details: list[dict[str, Any]] = []
    if quota is not None:
        failure = "type.googleapis.com/google.rpc.QuotaFailure"
        details.append({"@type": failure, "violations": [{"quotaId": QUOTAS[quota]}]})
    name = "RESOURCE_EXHAUSTED" if status == 429 else "NOT_FOUND"
    return {"error": {"code": status, "message": message, "status": name, "details": details}}


def told(body: dict[str, Any]) -> str:
    contents = [body.get("systemInstruction") or {}, *body.get("contents", [])]
    return "\n".join(_text(part) for content in contents for part in content.get("parts", []))


def tools(body: dict[str, Any]) -> list[str]:
    return [one["name"] for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]


def _text(part: dict[str, Any]) -> str:
    if "text" in part:
        return str(part["text"])
    response = part.get("functionResponse", {}).get("response", {})
    return "\n".join(str(value) for value in response.values())
