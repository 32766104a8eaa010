"""The command line of a hook: how Carryover writes it, and how it recognises its own among others'. Pure.

One short line per event that never changes, so that an agent which asks for trust in each changed command asks once.
It holds no address, since one agent drops settings whose commands hold one (reported of Cursor).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

SCRIPT: Final = "hook.sh"
"""The script that every hook runs, in the state folder."""

Owner = Literal["ours", "edited", "others"]
"""`edited`: the line runs our script, and a person has added something to it, so it is theirs."""

OwnerOf = Callable[[str], Owner]
"""Returns the owner of a hook's command line."""

_TAIL: Final = r"(\s*2>\s*/dev/null)?(\s*\|\|\s*true)?\s*"


def hook_command(state_root: Path, agent_id: str, event: str) -> str:
    """The command for an agent's settings: passes the hook's payload on; quiet and successful whatever happens."""
    return f"sh {shlex.quote(str(state_root / SCRIPT))} {agent_id} {event} 2>/dev/null || true"


def owner_by_script(*scripts: Path) -> OwnerOf:
    """Recognises our hooks by the path of the script they run, which is one of `scripts`."""
    path = "|".join(re.escape(spelling) for script in scripts for spelling in _spellings(script))
    own = re.compile(rf"\s*sh\s+(?:{path})(?:\s+[\w-]+){{2}}{_TAIL}")
    mentioned = re.compile(rf"(?<![\w./-])(?:{path})(?![\w./-])")

    def owner_of(command: str) -> Owner:
        if own.fullmatch(command):
            return "ours"
        return "edited" if mentioned.search(command) else "others"

    return owner_of


def _spellings(script: Path) -> tuple[str, ...]:
    """The path as a shell may be given it, the longest first."""
    return shlex.quote(str(script)), f"'{script}'", f'"{script}"', str(script)
