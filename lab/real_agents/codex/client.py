"""Codex CLI (0.99.0 to 0.171.0) in a box, and a stand-in for the OpenAI Responses API, as far as it uses that.

Calls in the script become those of whatever the client offers for them, which changed from version to version:

    {"shell": "ls"}, {"patch": "*** Begin Patch..."}
    {"search": "words"}, {"call": ["mcp__name", "tool", {...}]}     tools of MCP servers, which wait to be searched for
    {"full_context": "text" or {"shell": ...}}                      an answer that says the context is nearly full
"""

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from packaging.version import Version

from real_agents.lab.box import HOME, Box, Terminal, wait_until
from real_agents.lab.model_server import PORT, ModelHandler, parts_of
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool

LATEST: Final = "0.171.0"
VERSIONS: Final = (LATEST, "0.150.0", "0.125.0", "0.99.0")
"""Newest known; one of the first with `item_completed` records; records of the older family, hooks without a review; no
hooks yet, and no records of where a turn begins and ends."""

REVIEWS_SINCE: Final = "0.150.0"
REVIEW: Final = "Hooks need review"

CODEX_HOME: Final = HOME / ".codex"

SETTINGS: Final = f"""\
model = "gpt-5.5"
model_provider = "fake"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[features]
plugins = false

[model_providers.fake]
name = "fake"
base_url = "http://127.0.0.1:{PORT}/v1"
wire_api = "responses"

[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"""
"""`config.toml` of a user who has answered the questions of the first start. An offline client waits
5 s at its end for its metrics (0.169.0) or for its list of plugins (0.125.0, 0.150.0), where these are on."""

SHELLS: Final = ("exec_command", "shell_command", "shell", "local_shell", "exec")
FULL_CONTEXT: Final = 900_000
YIELD_MS: Final = 30_000
"""How long Codex waits for a command before the model is asked again; without that, 10 s (0.169.0)."""


class ResponsesApi(ModelHandler):
    ASKS = r"/responses(\?|$)"

    def of_conversation(self, body: dict[str, Any]) -> bool:
        """False for side questions, such as the title of a thread, which come without tools."""
        return any(name in SHELLS for name in tools(body))

    def streams(self, body: dict[str, Any]) -> bool:
        return True

    def stream(self, body: dict[str, Any], reply: Any) -> Iterator[tuple[str, Any]]:
        full = isinstance(reply, dict) and "full_context" in reply
        response = {"id": _id("resp")}
        yield _event("response.created", response=response)
        for index, part in enumerate(parts_of(reply["full_context"] if full else reply)):
            item = _item(part, tools(body))
            if item["type"] == "message":
                [content] = item["content"]
                yield _event("response.output_item.added", output_index=index, item={**item, "content": []})
                place = {"output_index": index, "content_index": 0, "item_id": item["id"]}
                yield _event("response.output_text.delta", **place, delta=content["text"])
            yield _event("response.output_item.done", output_index=index, item=item)
        yield _event("response.completed", response={**response, "usage": _usage(FULL_CONTEXT if full else 1200)})

    @staticmethod
    def told(body: dict[str, Any]) -> str:
        return "\n".join([body.get("instructions") or "", *(_text(item) for item in body["input"])])


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


class Codex(Tool):
    id = "codex"
    NAME = "Codex CLI"
    RELEASED = "npm @openai/codex"
    OLDEST = "0.169.0"
    API = ResponsesApi
    LIMIT: ClassVar[Any] = {
        "error": {
            "status": 429,
            "type": "usage_limit_reached",
            "message": "The usage limit has been reached",
            "plan_type": "plus",
            "resets_at": 4102444800,
        }
    }
    LIMIT_RECORD = '"usage_limit_exceeded"'
    READY = r"(?m)^› Ask Codex"
    INTERRUPTED = "Conversation interrupted"
    COMPACTED = "Context compacted"
    COMPACTED_RECORD = '"type":"compacted"'
    HOOK_LINES = ("hook: SessionStart", "hook: SessionStart Completed", "hook: Stop", "hook: Stop Completed")
    """All that `codex exec` (0.169.0) says of our hooks: it names each that ran before its end, whatever it printed."""

    def __init__(self, box: Box, installed: Installed, port: int = PORT, home: Path = CODEX_HOME) -> None:
        """`home`: its `$CODEX_HOME`, which the box's environment must name where it is another."""
        super().__init__(box, installed, port)
        self.home = home
        self.config = home / "config.toml"
        box.write(self.config, SETTINGS.replace(f":{PORT}/", f":{port}/"))

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_npm("@openai/codex", f"{version}-linux-{MACHINE}")
        # 0.99.0 and 0.125.0 have it in a folder of its own name.
        [command] = [path for name in ("bin", "codex") for path in folder.glob(f"vendor/*/{name}/codex")]
        return Installed(version, (str(command),), (folder,), (command.parent,))

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [_patching(f"*** Update File: {os.path.relpath(path, cwd)}", "@@", f"-    {old}", f"+    {new}")]

    def write(self, path: Path, line: str, *, cwd: Path) -> Any:
        return _patching(f"*** Add File: {os.path.relpath(path, cwd)}", f"+{line}")

    def read(self, path: Path) -> dict[str, Any]:
        return {"shell": f"cat {path}"}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(self.home).rglob("rollout-*.jsonl")
        return {path.stem[-36:]: path for path in sorted(files, key=lambda path: path.name)}

    def trust(self, root: Path) -> None:
        with self.box.here(self.config).open("a", encoding="utf-8") as config:
            config.write(f'\n[projects."{root}"]\ntrust_level = "trusted"\n')

    def review_hooks(self, cwd: Path) -> str:
        if Version(self.version) < Version(REVIEWS_SINCE):
            return ""
        with Terminal(self.box, *self._interactive(), cwd=cwd) as terminal:
            terminal.wait(REVIEW)
            asked = terminal.screen()
            terminal.choose("Down", "› 2. Trust all")
            terminal.key("Enter")
            wait_until(lambda: "trusted_hash" in self.box.here(self.config).read_text("utf-8"))
            terminal.wait(self.READY)
        return asked

    def switch_hooks_off(self) -> None:
        text = self.box.here(self.config).read_text("utf-8")
        assert text.count("[features]\n") == 1
        self.box.write(self.config, text.replace("[features]\n", "[features]\nhooks = false\n"))

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("fork" if fork else "resume", session) if session else ()
        return (*self.installed.command, "exec", *continued, *options, prompt)

    def _interactive(self) -> Sequence[str]:
        return self.installed.command


def _patching(*lines: str) -> dict[str, str]:
    return {"patch": "\n".join(("*** Begin Patch", *lines, "*** End Patch"))}


TOOL = Codex
