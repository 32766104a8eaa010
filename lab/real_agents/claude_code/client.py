"""Claude Code (2.0.65 to 2.1.332) in a box, and a stand-in for the Anthropic Messages API, as far as it uses that.

A call in the script: {"tool": "Bash", "input": {"command": "ls"}}. More replies:

    {"full_context": "text" or {"tool": ...}}       an answer that says the context is nearly full
    {"as_told": "task done"}                        what a model says that does what the handoff in its context asks for
    {"plan": "text"}                                a call that writes the file in which the client looks for a plan

In a call's input JOB stands for the id of the job that was begun last, and JOB_FILE for the file that it prints to.
"""

import json
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from packaging.version import Version

from real_agents.lab.box import HOME, Box, Terminal
from real_agents.lab.model_server import PORT, ModelHandler, parts_of, text_of
from real_agents.lab.packages import MACHINE, NotInstalled, from_npm
from real_agents.lab.tool import Installed, Tool

LATEST: Final = "2.1.332"
VERSIONS: Final = (LATEST, "2.1.328", "2.1.111", "2.0.65")
"""Newest known; that of the fixtures; before AGENTS.md was read at all (that came with 2.1.281); the last line of node
clients."""


KEY: Final = "sk-ant-dummy-key-for-the-fake-server"
TOKEN: Final = "sk-ant-oat01-dummy-token-for-the-fake-server"
SETTINGS: Final = HOME / ".claude" / "settings.json"
STATE: Final = HOME / ".claude.json"
AFTER_ONBOARDING: Final = {
    "hasCompletedOnboarding": True,
    "lastOnboardingVersion": LATEST,
    "theme": "dark",
    "numStartups": 5,
    "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
}

RESETS_S: Final = 5400

JOB: Final = "<the job>"
JOB_FILE: Final = "<the job's file>"

_SUMMARY: Final = "Your first response in this session MUST be:"
_QUESTION: Final = re.compile(r'^2\. The question: "(.+)"$', re.MULTILINE)
_BEGIN: Final = re.compile(r"Begin your first response with `(.+?)`")
_BEGUN: Final = re.compile(r"Command running in background with ID: (\w+)\. Output is being written to: (\S+\.output)")
_PLAN_FILE: Final = re.compile(rf"{re.escape(str(HOME))}/\.claude/plans/[\w-]+\.md")
_TITLE: Final = "# [CARRYOVER] Last updated"
_SPEAKER: Final = r"(?:[^:\n]*\(turn [^)\n]*\): )?"

USAGE: Final = {
    "input_tokens": 1200,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 40,
}
FULL_CONTEXT: Final = 990_000
"""Input tokens of an answer after which Claude Code compacts by itself."""


class MessagesApi(ModelHandler):
    """Refuses as to a subscriber. Claude Code 2.1.328 makes "You've hit your limit · resets 1:36pm (UTC)" of it.

    What the service itself sends was not recorded: these are what the client takes for it. It heeds them only with a
    plan's token; with a key it says "API Error: Request rejected (429)".
    """

    ASKS = r"/v1/messages(\?|$)"
    COUNTS = ("/v1/messages/count_tokens", {"input_tokens": 100})

    def do_HEAD(self) -> None:  # noqa: N802 (the name is http.server's)
        self.send_json(200, {})

    def of_conversation(self, body: dict[str, Any]) -> bool:
        """True for the conversation itself: side questions (titles, summaries) come without these tools."""
        return any(tool.get("name") in ("Bash", "Edit", "Read") for tool in body.get("tools") or [])

    def answer(self, body: dict[str, Any], reply: Any) -> None:
        if isinstance(reply, dict) and "as_told" in reply:
            reply = first_response(self.told(body), reply["as_told"])
        if isinstance(reply, dict) and "plan" in reply:
            file = _PLAN_FILE.findall(self.told(body))[-1]
            reply = {"tool": "Write", "input": {"file_path": file, "content": reply["plan"]}}
        if isinstance(reply, dict) and "input" in reply and (begun := _BEGUN.findall(self.told(body))):
            named = dict(zip((JOB, JOB_FILE), begun[-1], strict=True))
            reply = {**reply, "input": {key: named.get(value, value) for key, value in reply["input"].items()}}
        super().answer(body, reply)

    def refuse(self, status: int, **error: Any) -> None:
        headers = {"x-should-retry": "false", **(_window_used_up() if status == 429 else {})}
        self.send_json(status, {"type": "error", "error": {"type": "not_found_error", **error}}, headers)

    def whole(self, body: dict[str, Any], reply: Any) -> dict[str, Any]:
        full = isinstance(reply, dict) and "full_context" in reply
        blocks = [_block(part) for part in parts_of(reply["full_context"] if full else reply)]
        calls = any(block["type"] == "tool_use" for block in blocks)
        return {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", ""),
            "content": blocks,
            "stop_reason": "tool_use" if calls else "end_turn",
            "stop_sequence": None,
            "usage": {**USAGE, "input_tokens": FULL_CONTEXT} if full else USAGE,
        }

    def stream(self, body: dict[str, Any], reply: Any) -> Iterator[tuple[str, Any]]:
        message = self.whole(body, reply)
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

    @staticmethod
    def told(body: dict[str, Any]) -> str:
        return "\n".join(map(text_of, [body.get("system"), *(message["content"] for message in body["messages"])]))


def _event(kind: str, **data: Any) -> tuple[str, Any]:
    return kind, {"type": kind, **data}


def _block(part: Any) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": part["tool"], "input": part["input"]}


def _window_used_up() -> dict[str, str]:
    resets = str(int(time.time()) + RESETS_S)
    named = {
        "status": "rejected",
        "reset": resets,
        "5h-status": "rejected",
        "5h-reset": resets,
        "representative-claim": "five_hour",
        "overage-status": "rejected",
    }
    return {"retry-after": str(RESETS_S)} | {
        f"anthropic-ratelimit-unified-{name}": text for name, text in named.items()
    }


def first_response(told: str, work: str) -> str:
    """What a model says first that does exactly what the handoff in its context asks for, and `work` once it may begin.

    It shows that the text can be followed by its words alone. It does not show that a real model follows it.
    """
    handoff = told[told.rfind(_TITLE) :] if _TITLE in told else ""
    if _SUMMARY in handoff:
        question = _QUESTION.search(handoff)
        asked = question[1] if question else "(no question was given)"
        then = _first(handoff, "Next action") or _first(handoff, "Open questions") or "(not said)"
        return f"The task was: {_first(handoff, 'Task')}. Next: {then}.\n\n{asked}"
    if begin := _BEGIN.search(handoff):
        return f"{begin[1].replace('<task>', _first(handoff, 'Task'))} {work}"
    return work


def _first(handoff: str, section: str) -> str:
    found = re.search(rf"^## {section}\n- {_SPEAKER}(.+)$", handoff, re.MULTILINE)
    return found[1].rstrip(".") if found else ""


class ClaudeCode(Tool):
    id = "claude-code"
    NAME = "Claude Code"
    RELEASED = "npm @anthropic-ai/claude-code"
    OLDEST = "2.1.328"
    API = MessagesApi
    LIMIT: ClassVar[Any] = {
        "error": {"status": 429, "type": "rate_limit_error", "message": "This request would exceed your rate limit."}
    }
    LIMIT_RECORD = '"isApiErrorMessage":true'
    READY = r"(?m)^[│ ]*[❯>]"
    INTERRUPTED = "[Ii]nterrupted"
    COMPACTED = "Compacted"
    COMPACTED_RECORD = '"isCompactSummary":true'
    SUMMARY = ("<analysis>Prices.</analysis>\n<summary>The discount of the shop was worked on.</summary>",)
    LINE_PREFIX = r"^ *\d+[\t→]"

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(STATE, json.dumps(AFTER_ONBOARDING))

    @classmethod
    def install(cls, version: str) -> Installed:
        # From here on npm has packages with a native binary; before, Claude Code is a script for node.
        if Version(version) >= Version("2.1.110"):
            folder = from_npm(f"@anthropic-ai/claude-code-linux-{MACHINE}", version)
            return Installed(version, (str(folder / "claude"),), (folder,), (folder,))
        node = shutil.which("node")
        if node is None:
            raise NotInstalled(f"Claude Code {version} runs on node: install nodejs")
        folder = from_npm("@anthropic-ai/claude-code", version)
        modules = folder.parents[1]
        return Installed(version, (node, str(folder / "cli.js")), (modules, Path(node).resolve()), (modules / ".bin",))

    @property
    def environment(self) -> Mapping[str, str]:
        """A subscriber's, since the client names the limit of a plan only there; a key for what is older. With the
        window an answer that says the context is nearly full brings on a compaction, in every model."""
        # From here on the rows run with a plan's token instead of a key.
        plan = Version(self.version) >= Version("2.1.328")
        return {
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.port}",
            **({"CLAUDE_CODE_OAUTH_TOKEN": TOKEN} if plan else {"ANTHROPIC_API_KEY": KEY}),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100000",
        }

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "Bash", "input": {"command": command, "description": "Run it"}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        change = {"file_path": str(path), "old_string": old, "new_string": new}
        return [self.read(path), {"tool": "Edit", "input": change}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "Write", "input": {"file_path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "Read", "input": {"file_path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(HOME / ".claude" / "projects").glob("*/*.jsonl")
        return {path.stem: path for path in files if not path.stem.startswith("agent-")}

    def trust(self, root: Path) -> None:
        state = json.loads(self.box.here(STATE).read_text("utf-8"))
        projects = state.get("projects", {})
        trusted = {**projects.get(str(root), {}), "hasTrustDialogAccepted": True}
        self.box.write(STATE, json.dumps({**state, "projects": {**projects, str(root): trusted}}))

    def switch_hooks_off(self) -> None:
        settings = json.loads(self.box.here(SETTINGS).read_text("utf-8"))
        self.box.write(SETTINGS, json.dumps({**settings, "disableAllHooks": True}))

    def plan_mode(self, root: Path) -> Terminal:
        """A terminal in which it makes a plan, and offers to carry that out in a new conversation."""
        settings = json.loads(self.box.here(SETTINGS).read_text("utf-8"))
        self.box.write(SETTINGS, json.dumps({**settings, "showClearContextOnPlanAccept": True}))
        command = (*self.installed.command, "--permission-mode", "plan")
        return Terminal(self.box, *command, cwd=root, env=self.environment)

    def interrupt(self, terminal: Terminal) -> None:
        # In a terminal of tmux 2.0.65 takes only Escape.
        terminal.key("C-c" if Version(self.version) >= Version("2.1.111") else "Escape")
        terminal.wait(self.INTERRUPTED)

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--resume", session, *(["--fork-session"] if fork else [])) if session else ()
        allowed = ("--permission-mode", "bypassPermissions")
        return (*self.installed.command, "-p", prompt, *allowed, *continued, *options)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--permission-mode", "acceptEdits", "--allowedTools", "Bash")


TOOL = ClaudeCode
