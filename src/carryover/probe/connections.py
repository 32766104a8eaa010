"""Whose the user id is that a process has."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

_LOGIN_SETTINGS: Final = Path("/etc/login.defs")
_FIRST_PERSON: Final = re.compile(r"^\s*UID_MIN\s+(\d{1,9})\s*$", re.MULTILINE)
_USUAL_FIRST_PERSON: Final = 1000


def is_of_the_system(uid: int) -> bool:
    """Whether a user id is root's or one of those under which the system's services run, not a person's."""
    found = None
    with suppress(OSError, UnicodeDecodeError):
        found = _FIRST_PERSON.search(_LOGIN_SETTINGS.read_text())
    return uid < (int(found[1]) if found is not None else _USUAL_FIRST_PERSON)
