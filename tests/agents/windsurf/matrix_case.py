"""Windsurf in the matrix of hand-overs: its hooks call the daemon, the transcript comes when a turn ends, and AGENTS.md
is all that a new conversation reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from agents.windsurf.talks import Talk, put, transcripts_of
from matrix.tool import Ending, Tool, agents_md
from support.hook_client import HookClient


class CascadePlayed:
    """See `matrix.tool.Played`. Each call is made as `hook.sh` makes it."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._talk = Talk(f"{folder} {now}", str(folder), now, timedelta(seconds=2))
        self._path = transcripts_of(home) / f"{self._talk.id}.jsonl"
        self._hooks = HookClient(home / ".carryover" / "daemon.sock")
        self._folder = folder

    @property
    def session(self) -> str:
        return self._talk.id

    def prompt(self, text: str) -> None:
        self._talk.prompt(text)
        self._hand_over()

    def edit(self, path: Path, old: str, new: str) -> None:
        self._talk.edit(str(path), old, new)
        self._hand_over()

    def run(self, command: str, output: str, exit_code: int) -> None:
        self._talk.run(command, output, exit_code)
        self._hand_over()

    def say(self, text: str) -> None:
        self._talk.say(text)
        put(self._path, self._talk.transcript())
        self._talk.name_transcript(self._path)
        self._hand_over()

    def end(self, how: Ending) -> None:
        """Nothing tells of an end, a limit or a compaction."""

    def _hand_over(self) -> None:
        for event, data, _ in self._talk.calls:
            headers = {"X-Carryover-Cwd": f"{self._folder}/"}
            assert self._hooks.call_in_time(event, data, agent="windsurf", headers=headers).status == 204
        self._talk.calls.clear()


TOOLS = (Tool(id="windsurf", agent="windsurf", play=CascadePlayed, reads=agents_md),)
