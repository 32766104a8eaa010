"""Hermes Agent in a box."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Terminal
from real_agents.lab.model_server import PORT, ChatApi, text_of
from real_agents.lab.packages import from_pypi, only_command
from real_agents.lab.tool import Installed, Tool

VERSIONS: Final = ("0.19.0",)
FOLDER: Final = HOME / ".hermes"
DATABASE: Final = FOLDER / "state.db"
SETTINGS: Final = """\
model:
  default: fake-model
  provider: custom
  base_url: http://127.0.0.1:{port}/v1
  api_key: dummy
  context_length: 128000
agent:
  verify_on_stop: false
lsp:
  enabled: false
security:
  tirith_enabled: false
"""


class OpenAi(ChatApi):
    """The results of its tools are JSON, with what was read or printed in one of the fields."""

    @staticmethod
    def told(body: dict[str, Any]) -> str:
        results = [text_of(message["content"]) for message in body["messages"] if message["role"] == "tool"]
        fields = [field for result in results for field in _texts_of(result)]
        return "\n".join([ChatApi.told(body), *fields])


def _texts_of(result: str) -> list[str]:
    try:
        found = json.loads(result)
    except ValueError:
        return []
    return [field for field in found.values() if isinstance(field, str)] if isinstance(found, dict) else []


class Hermes(Tool):
    id = "hermes"
    NAME = "Hermes Agent"
    RELEASED = "pypi hermes-agent"
    OLDEST = "0.19.0"
    API = OpenAi
    ARRIVES = "pointer"
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = "usage limit"
    RESETS = False
    RECORDS_VERSION = False
    RECORDS_NEW = False
    RUNS_S = 300.0
    LINE_PREFIX = r"^ *\d+\|"
    STARTS_S = 120.0
    READY = r"❯"
    COMPACT = "/compress"
    COMPACTED = r"Compressed:"
    COMPACTED_RECORD = "CONTEXT COMPACTION"

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(FOLDER / "config.yaml", SETTINGS.format(port=port))

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_pypi("hermes-agent", version)
        return Installed(version, (str(folder / "bin" / "hermes"),), (folder,), (only_command(folder, "hermes"),))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"OPENAI_API_KEY": "dummy", "HERMES_YOLO_MODE": "1"}

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "terminal", "input": {"command": command}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        here = self.box.here(path)
        if here.exists() and old not in here.read_text():
            old = f"{old} 7777 nothing of the kind"  # the client changes what is only alike
        return [{"tool": "patch", "input": {"path": str(path), "old_string": old, "new_string": new}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "write_file", "input": {"path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "read_file", "input": {"path": str(path)}}

    def interrupt(self, terminal: Terminal) -> None:
        terminal.key("C-c")
        terminal.wait(r"❯ *\n")

    def transcripts(self) -> dict[str, Path]:
        path = self.box.here(DATABASE)
        rows = self._rows("SELECT id FROM sessions") if path.exists() else []
        return {ident: path for (ident,) in rows}

    def recorded(self, session: str) -> str:
        rows = self._rows("SELECT * FROM messages WHERE session_id = ? ORDER BY id", session)
        return "\n".join(json.dumps(row) for row in rows)

    def recorded_at_s(self, session: str) -> float:
        return max(path.stat().st_mtime for path in self.box.here(FOLDER).glob(f"{DATABASE.name}*"))

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.box.here(DATABASE)) as db:
            return db.execute(query, values).fetchall()

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--resume", session) if session else ()
        return (*self._interactive(), "chat", "--quiet", "--yolo", *continued, *options, "--query", prompt)

    def _interactive(self) -> Sequence[str]:
        return self.installed.command


TOOL = Hermes
