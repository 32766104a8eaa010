"""Mistral Vibe in the matrix of hand-overs: sessions as 3.0.3 writes them, the instruction file of a trusted folder."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.mistral_vibe.stores import Store
from matrix.tool import Ending, Tool, agents_md

LIMIT: Final = "Client error '402 Payment Required': You have reached your usage limit"


class VibePlayed(Store):
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        root = home / ".vibe" / "logs" / "session"
        super().__init__(root, str(uuid.uuid4()), folder.resolve(), now)

    def say(self, text: str) -> None:
        self.answer(text)

    def end(self, how: Ending) -> None:
        if how == "limit":
            self.stop("failed", error={"message": LIMIT, "details": {"httpStatus": 402}})
        elif how == "killed":
            self.call("file_system.bash", {"command": "sleep 600"})
        elif how == "compacted":
            self.compact("The discount of the shop was worked on.")


TOOLS = (Tool(id="mistral-vibe", agent="mistral-vibe", play=VibePlayed, reads=agents_md),)
