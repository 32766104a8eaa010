"""The command line of a hook: how Carryover writes it, and how it recognises its own. Pure.

One short line per event that never changes, so that an agent which asks for trust in each changed command asks only
once. It contains no address, since one agent drops settings whose commands do (reported for Cursor).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

SCRIPT: Final = "hook.sh"
"""The script in the state folder that every hook runs."""

Owner = Literal["ours", "edited", "others"]
"""Owner of a hook. `edited`: it runs our script, but the user added something to the line, so it is theirs."""

OwnerOf = Callable[[str], Owner]
"""Returns the owner of a hook's command line."""

_TAIL: Final = r"(\s*2>\s*/dev/null)?(\s*\|\|\s*true)?\s*"


def hook_command(state_root: Path, agent_id: str, event: str) -> str:
    """Returns the command for an agent's settings: it passes the payload on, stays quiet and always succeeds."""
    return f"sh {shlex.quote(str(state_root / SCRIPT))} {agent_id} {event} 2>/dev/null || true"


def owner_by_script(*scripts: Path) -> OwnerOf:
    """Returns a function that recognises our hooks by the script they run, which is one of `scripts`."""
    path = "|".join(re.escape(spelling) for script in scripts for spelling in _spellings(script))
    own = re.compile(rf"\s*sh\s+(?:{path})(?:\s+[\w-]+){{2}}{_TAIL}")
    mentioned = re.compile(rf"(?<![\w./-])(?:{path})(?![\w./-])")

    def owner_of(command: str) -> Owner:
        if own.fullmatch(command):
            return "ours"
        return "edited" if mentioned.search(command) else "others"

    return owner_of


def _spellings(script: Path) -> tuple[str, ...]:
    """Returns the ways in which a shell command may spell the path, longest first."""
    return shlex.quote(str(script)), f"'{script}'", f'"{script}"', str(script)
