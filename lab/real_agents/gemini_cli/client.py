"""Gemini CLI (0.26.0 to 0.61.0) in a box, and a stand-in for the Gemini API, as far as it uses that.

Calls in the script: {"shell": "ls"}, {"tool": ["read_file", {"file_path": "a"}]}. An error may name a "quota": "day".
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Terminal, wait_until
from real_agents.lab.model_server import PORT, ModelHandler, parts_of
from real_agents.lab.packages import from_npm
from real_agents.lab.tool import Ability, Installed, Tool

LATEST: Final = "0.61.0"
VERSIONS: Final = (LATEST, "0.44.0", "0.26.0")
"""Newest known; half a year older; one of the last that write a session as one document, and the first with hooks."""

OWN: Final = HOME / ".gemini"
SETTINGS: Final = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "general": {"enableAutoUpdate": False, "disableAutoUpdate": True, "disableUpdateNag": True},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "ui": {"hideTips": True},
}
VARIABLES: Final = {
    "GEMINI_API_KEY": "dummy",
    "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{PORT}",
    "TZ": "UTC",
    "GEMINI_CLI_NO_RELAUNCH": "true",  # else another process does the work, and goes on where this one is killed
}
MODEL: Final = "gemini-2.5-pro"
SETTINGS_FILE: Final = OWN / "settings.json"
READS_AGENTS_MD: Final = {"context": {"fileName": ["GEMINI.md", "AGENTS.md"]}}
"""As a user of several agents sets it; without that, only a GEMINI.md would hold the pointer."""
REFUSALS: Final = 4
TRUSTED: Final = OWN / "trustedFolders.json"
SHELL: Final = "run_shell_command"
QUOTAS: Final = {
    "day": "GenerateRequestsPerDayPerProjectPerModel",
    "minute": "GenerateRequestsPerMinutePerProjectPerModel",
}
_NUMBERS: Final = itertools.count(1)


class GenerateApi(ModelHandler):
    ASKS = "enerateContent"
    COUNTS = (":countTokens", {"totalTokens": 100})
    BEGINNING = 1

    def of_conversation(self, body: dict[str, Any]) -> bool:
        """Whether it offers a shell; titles and the like do not."""
        offered = [one["name"] for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
        return self.streams(body) and SHELL in offered

    def streams(self, body: dict[str, Any]) -> bool:
        return ":streamGenerateContent" in self.path

    def stream(self, body: dict[str, Any], reply: Any) -> Iterator[tuple[str, Any]]:
        for part in parts_of(reply):
            yield "", _frame([_part(part)])
        yield "", _frame([{"text": ""}], "STOP")

    def whole(self, body: dict[str, Any], reply: Any) -> Any:
        return _frame([_part(part) for part in parts_of(reply)], "STOP")

    def refuse(self, status: int, **error: Any) -> None:
        failure = "type.googleapis.com/google.rpc.QuotaFailure"
        quota = error.pop("quota", None)
        details = [{"@type": failure, "violations": [{"quotaId": QUOTAS[quota]}]}] if quota else []
        name = "RESOURCE_EXHAUSTED" if status == 429 else "NOT_FOUND"
        self.send_json(status, {"error": {**error, "code": status, "status": name, "details": details}})

    @staticmethod
    def told(body: dict[str, Any]) -> str:
        contents = [body.get("systemInstruction") or {}, *body.get("contents", [])]
        return "\n".join(_text(part) for content in contents for part in content.get("parts", []))


def _part(one: Any) -> dict[str, Any]:
    if isinstance(one, str):
        return {"text": one}
    name, args = (SHELL, {"command": one["shell"]}) if "shell" in one else one["tool"]
    return {"functionCall": {"id": f"call{next(_NUMBERS):04d}", "name": name, "args": args}}


def _frame(parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110},
        "modelVersion": "gemini-2.5-pro",
        "responseId": f"resp-{next(_NUMBERS)}",
    }


def _text(part: dict[str, Any]) -> str:
    if "text" in part:
        return str(part["text"])
    response = part.get("functionResponse", {}).get("response", {})
    return "\n".join(str(value) for value in response.values())


class GeminiCli(Tool):
    id = "gemini-cli"
    NAME = "Gemini CLI"
    RELEASED = "npm @google/gemini-cli"
    OLDEST = "0.44.0"
    API = GenerateApi
    CANNOT: ClassVar[Mapping[Ability, str]] = {"compacted": "it refuses to compact a conversation that is short"}
    LIMIT: ClassVar[Any] = {"error": {"status": 429, "message": "You exceeded your current quota.", "quota": "day"}}
    LIMIT_RECORD = "[API Error"
    RESETS = False
    KEEPS_INJECTED = False
    RECORDS_RUNNING = False
    RECORDS_VERSION = False
    READY = r"Type your message"
    INTERRUPTED = "Request cancelled"
    HOOK_LINES = None
    """0.26.0 writes a log of each hook, whoever's it is, to the standard error of `-p`."""

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(SETTINGS_FILE, json.dumps({**SETTINGS, **READS_AGENTS_MD}, indent=2) + "\n")

    @classmethod
    def install(cls, version: str) -> Installed:
        modules = from_npm("@google/gemini-cli", version).parents[1]
        return Installed(version, (str(modules / ".bin" / "gemini"),), (modules,), (modules / ".bin",))

    @property
    def environment(self) -> Mapping[str, str]:
        return {name: value.replace(f":{PORT}", f":{self.port}") for name, value in VARIABLES.items()}

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        """By the shell, where its own tool refuses: outside of the folder that it was started in (0.61.0)."""
        if not path.is_relative_to(cwd):
            return [self.shell(f"sed -i 's|{old}|{new}|' {path}")]
        change = {"file_path": str(path), "instruction": "edit", "old_string": old, "new_string": new}
        return [{"tool": ["replace", change]}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": ["write_file", {"file_path": str(path), "content": f"{line}\n"}]}

    def read(self, path: Path) -> dict[str, Any]:
        """By the shell, since its own tool refuses ignored files."""
        return {"shell": f"cat {path}"}

    def transcripts(self) -> dict[str, Path]:
        """A resume leaves a second file of the session, which holds none of it: the first one counts."""
        files = sorted(self.box.here(OWN / "tmp").glob("*/chats/session-*.jsonl"), key=lambda path: path.name)
        return {session: path for path in reversed(files) if (session := _session_of(path))}

    def recorded(self, session: str) -> str:
        files = self.box.here(OWN / "tmp").glob("*/chats/session-*.jsonl")
        return "\n".join(path.read_text("utf-8", "replace") for path in files if _session_of(path) == session)

    def trust(self, root: Path) -> None:
        file = self.box.here(TRUSTED)
        known = json.loads(file.read_text("utf-8")) if file.exists() else {}
        self.box.write(TRUSTED, json.dumps({**known, str(root): "TRUST_FOLDER"}))

    def switch_hooks_off(self) -> None:
        settings = json.loads(self.box.here(SETTINGS_FILE).read_text("utf-8"))
        self.box.write(SETTINGS_FILE, json.dumps({**settings, "hooksConfig": {"enabled": False}}, indent=2))

    def reach_limit(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None) -> str:
        """In the terminal, where the client asks whether to keep trying: `-p` does not record a limit."""
        known = set(self.transcripts())
        continued = ("--resume", session) if session else ()
        command = (*self._interactive(), *continued)
        with Terminal(self.box, *command, cwd=cwd, env=self.environment) as terminal:
            terminal.wait(self.READY, self.STARTS_S)
            self.script(*replies, *[self.LIMIT] * REFUSALS)
            if prompt.endswith("?"):  # typed at once with the rest, it would open the list of shortcuts
                terminal.key("-l", prompt[:-1])
                terminal.wait(re.escape(prompt[:-1]))
                terminal.choose("?", re.escape(prompt))
                prompt = ""
            asked = len(self.requests())
            terminal.enter(prompt)
            self._send(terminal, asked)
            reached = session or self.new_session(known)
            self._stop(terminal, reached)
        return reached

    def _send(self, terminal: Terminal, asked: int) -> None:
        """Presses Return until the model is asked: one that comes while a resumed session is shown is lost (0.61.0)."""
        for _ in range(6):
            try:
                wait_until(lambda: len(self.requests()) > asked, 5.0)
            except TimeoutError:
                terminal.key("Enter")
            else:
                return

    def _stop(self, terminal: Terminal, session: str) -> None:
        """Gives up as often as the client asks: it asks the model again by itself after an answer that never came."""
        for _ in range(REFUSALS):
            terminal.wait(r"2\. Stop", 60)
            terminal.choose("Down", r"● 2\. Stop")
            terminal.key("Enter")
            try:
                self.wait_recorded(session, self.LIMIT_RECORD)
            except TimeoutError:
                continue
            return
        raise TimeoutError("the client did not write down its limit")

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--resume", session) if session else ()
        return (*self._interactive(), *continued, *options, "-p", prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "-m", MODEL, "-y")


def _session_of(path: Path) -> str:
    """Empty while the header is being written."""
    with path.open(encoding="utf-8") as file:
        header = file.readline()
    return str(json.loads(header)["sessionId"]) if header.endswith("\n") else ""


TOOL = GeminiCli
