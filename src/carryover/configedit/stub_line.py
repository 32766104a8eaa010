"""Telling our hooks from others by what they say: the path of the stub script. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

Whose = Literal["ours", "edited", "others"]
"""edited: it runs our script, and a person has added something to the line, which is therefore theirs."""

WhoseIs = Callable[[str], Whose]
"""Says of a hook's command line whose it is."""

_TAIL: Final = r"(\s*2>\s*/dev/null)?(\s*\|\|\s*true)?\s*"


def by_scripts(*scripts: Path) -> WhoseIs:
    """Tells hooks by the stub `scripts` they run."""
    path = "|".join(re.escape(spelling) for script in scripts for spelling in _spellings(script))
    own = re.compile(rf"\s*sh\s+(?:{path})(?:\s+[\w-]+){{2}}{_TAIL}")
    mentioned = re.compile(rf"(?<![\w./-])(?:{path})(?![\w./-])")

    def whose(command: str) -> Whose:
        if own.fullmatch(command):
            return "ours"
        return "edited" if mentioned.search(command) else "others"

    return whose


def _spellings(script: Path) -> tuple[str, ...]:
    """The path as a shell may be given it, the longest first."""
    return shlex.quote(str(script)), f"'{script}'", f'"{script}"', str(script)
