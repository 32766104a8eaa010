"""Codex in the matrix of hand-overs: rollouts, hooks and instruction files as 0.169.0 has them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from matrix.tool import Call, Ending, Played, Tool, each_agents_md, injected
from support.codex_session import CodexSession

LIMIT = "You’ve hit your usage limit. Upgrade to Pro, or try again at 7:42 AM."


class CodexPlayed(CodexSession):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        super().__init__(home / ".codex", folder, now=now)
        self._calls = 0

    def edit(self, path: Path, old: str, new: str) -> None:
        self.patch(self._next_call(), path, old, new)

    def run(self, command: str, output: str, exit_code: int) -> None:
        call = self._next_call()
        self.command(call, command)
        self.ended(call, command, output, exit_code)

    def say(self, text: str) -> None:
        self.answer(text)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self.limit(LIMIT)
        elif how == "killed":
            self.command(self._next_call(), "sleep 600")
        elif how == "compacted":
            self.compaction("The discount of the shop was worked on.")

    def _next_call(self) -> str:
        self._calls += 1
        return f"call_{self.session}_{self._calls}"


def _starts(home: Path, folder: Path, going_on: Played | None) -> Call:
    if isinstance(going_on, CodexPlayed):
        reported = going_on.payload("SessionStart", source="resume")
    else:
        reported = CodexSession(home / ".codex", folder).payload("SessionStart", source="startup")
    return Call("SessionStart", json.dumps(reported).encode())


TOOLS = (Tool(id="codex", agent="codex", play=CodexPlayed, starts=_starts, takes_in=injected, reads=each_agents_md),)
