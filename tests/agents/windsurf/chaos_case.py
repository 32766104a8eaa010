"""Windsurf under chaos: its hooks run the script that was set for them, whether or not a daemon answers."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Final

from agents.windsurf import matrix_case
from agents.windsurf.matrix_case import CascadePlayed

TRAITS: Final = frozenset(("hooks",))
"""Without what its hooks handed over, its own transcripts say too little."""


class ScriptPlayed(CascadePlayed):
    """See `matrix.tool.Played`. Without a state folder there is no script, and what is handed over is lost."""

    def _hand_over(self) -> None:
        script = Path(os.environ["HOME"]) / ".carryover" / "hook.sh"
        for event, data, _ in self._talk.calls:
            command = ["sh", str(script), "windsurf", event]
            subprocess.run(command, input=data, cwd=self._folder, capture_output=True, timeout=10, check=False)
        self._talk.calls.clear()


TOOLS = tuple(replace(tool, play=ScriptPlayed) for tool in matrix_case.TOOLS)
