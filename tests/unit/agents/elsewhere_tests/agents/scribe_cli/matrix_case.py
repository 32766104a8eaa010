"""Scribe in the matrix of handovers."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from matrix.tool import Call, Ending, Played, Tool


class Talk:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._start_ms = int(now.timestamp() * 1000)
        self._folder = folder
        self._lines = 0
        self.session = f"{folder.name}-{self._start_ms}"
        self._path = home / ".scribe" / "talks" / f"{self.session}.talk"
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def prompt(self, text: str) -> None:
        self._write(you=text)

    def edit(self, path: Path, old: str, new: str) -> None:
        self._write(wrote=str(path))

    def run(self, command: str, output: str, exit_code: int) -> None:
        self._write(ran=command, printed=output, code=exit_code)

    def say(self, text: str) -> None:
        self._write(it=text)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self._write(limit="You are out of ink, it resets at 3pm")
        elif how == "killed":
            self._write(ran="sleep 600")

    def _write(self, **fields: object) -> None:
        self._lines += 1
        place = {"id": f"{self.session}/{self._lines}", "in": str(self._folder)}
        with self._path.open("a", encoding="utf-8") as talk:
            talk.write(json.dumps({**place, "at": self._start_ms + 2000 * self._lines, **fields}) + "\n")


def _starts(home: Path, folder: Path, own: Played | None) -> Call:
    session = own.session if own is not None else f"{folder.name}-new"
    talk = home / ".scribe" / "talks" / f"{session}.talk"
    payload = {"quill": session, "in": str(folder), "talk": str(talk), "again": own is not None}
    return Call("Awake", json.dumps(payload).encode())


def _takes_in(answer: str) -> str:
    assert answer.startswith("HEAR: ")
    return answer


def _reads(root: Path, folder: Path) -> str:
    """SCRIBE.md and AGENTS.md at the top of the project."""
    return "\n".join(path.read_text() for name in ("SCRIBE.md", "AGENTS.md") if (path := root / name).exists())


TOOLS = (Tool(id="scribe", agent="scribe-cli", play=Talk, starts=_starts, takes_in=_takes_in, reads=_reads),)
