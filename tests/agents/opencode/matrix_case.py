"""opencode in the matrix of hand-overs: rows as real clients write them (1.18.33, 1.2.27), an entry in its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from agents.opencode.stores import LATEST, WITHOUT_EVENTS, Client
from carryover.adapter.spec import AgentSpec
from carryover.agents.opencode import SPEC
from matrix.tool import Ending, Played, Tool, agents_md

LIMIT = {
    "name": "APIError",
    "data": {"message": "You have reached your weekly usage limit", "statusCode": 402, "isRetryable": False},
}


class RowsPlayed:
    """See `matrix.tool.Played`."""

    CLIENT: ClassVar[type[Client]] = Client

    def __init__(self, version: str, home: Path, folder: Path, now: datetime) -> None:
        self._path = self.database(home, version)
        self._version = version
        self._at_ms = int(now.timestamp() * 1000)
        self.session = self._write(lambda client: client.session(self._at_ms, str(folder)))

    @staticmethod
    def database(home: Path, version: str) -> Path:
        """Where the client keeps its sessions."""
        name = "opencode.db" if version == LATEST else "opencode-old.db"
        return home / ".local" / "share" / "opencode" / name

    def prompt(self, text: str) -> None:
        self._write(lambda client: client.prompt(self.session, self._next(), text))

    def edit(self, path: Path, old: str, new: str) -> None:
        given = {"filePath": str(path), "oldString": old, "newString": new}
        self._call("edit", given, output="Edit applied successfully.")

    def run(self, command: str, output: str, exit_code: int) -> None:
        self._call("bash", {"command": command}, output=output, metadata={"exit": exit_code})

    def say(self, text: str) -> None:
        self._write(lambda client: client.say(self.session, self._next(), text))

    def end(self, how: Ending) -> None:
        if how == "limit":
            at_ms = self._next()
            times = {"created": at_ms, "completed": at_ms + 1}
            self._write(lambda client: client.answer(self.session, at_ms, error=LIMIT, time=times))
        elif how == "killed":
            self.unanswered("bash", {"command": "sleep 600"})
        elif how == "compacted":
            self.compaction("The discount was worked on.")

    def _call(self, tool: str, given: dict[str, Any], **state: Any) -> None:
        self._write(lambda client: client.call(self.session, self._next(), tool, given, **state))

    def unanswered(self, tool: str, given: dict[str, Any]) -> None:
        """A call that has not ended."""

        def put(client: Client) -> str:
            message = client.answer(self.session, self._next())
            return client.tool(self.session, message, self._next(), tool, given, status="running")

        self._write(put)

    def compaction(self, text: str) -> None:
        """The client sums up what was said."""

        def put(client: Client) -> str:
            message = client.new_id("msg")
            data = {"role": "user", "time": {"created": self._next()}}
            client.message(self.session, message, self._at_ms, data)
            client.part(self.session, message, self._at_ms, {"type": "compaction", "auto": False})
            return client.say(self.session, self._next(), text, summary=True, mode="compaction")

        self._write(put)

    def _next(self) -> int:
        self._at_ms += 1500
        return self._at_ms

    def _write(self, change: Callable[[Client], str]) -> str:
        with self.CLIENT(self._path, self._version) as client:
            return change(client)


def _plays(version: str) -> Callable[[Path, Path, datetime], Played]:
    return lambda home, folder, now: RowsPlayed(version, home, folder, now)


def loaded(spec: AgentSpec, folder: Path) -> str:
    """What the entry in the user's settings leads to: the handoff that this tells a new session to read."""
    path = folder / spec.loaded_file
    text = path.read_text() if path.exists() else ""
    return path.with_name("handoff.md").read_text() if "read `.carryover/handoff.md` first" in text else ""


_LOADS: Final = partial(loaded, SPEC)
TOOLS = (
    Tool(id="opencode", agent="opencode", play=_plays(LATEST), reads=agents_md, loads=_LOADS),
    Tool(id="opencode-1.2", agent="opencode", play=_plays(WITHOUT_EVENTS), reads=agents_md, loads=_LOADS),
)
