"""What the text of an ignore file says of a folder at the top of the checkout, without asking git."""

from __future__ import annotations

import os
import re
from typing import Final

from carryover.text.pattern import later

GITIGNORE: Final = ".gitignore"
SIZE_LIMIT_BYTES: Final = 256 << 10
"""Larger ignore files are left to git."""

_LETS_IN: Final = later(rb"^(?:\xef\xbb\xbf)?!", re.MULTILINE)


def has_rule(data: bytes, folder: str) -> bool:
    """Whether the text of an ignore file ignores a folder at the top of the checkout by its name, and no later line
    takes anything back in; if False, git has to be asked."""
    for line in reversed(data.split(b"\n")):
        if line.startswith(b"!"):
            return False
        if _name_in(line) == os.fsencode(folder):
            return True
    return False


def has_rule_by_name(data: bytes, folder: str) -> bool:
    """Whether the text of an ignore file has a rule for a folder by its name alone."""
    return any(_name_in(line) == os.fsencode(folder) for line in data.split(b"\n"))


def may_let_in(data: bytes) -> bool:
    """Whether the text of an ignore file has a rule that takes something back in."""
    return _LETS_IN.search(data) is not None


def _name_in(line: bytes) -> bytes:
    # Of other spaces at the end, git takes all as part of the name.
    return line.removesuffix(b"\r").rstrip(b" ").removesuffix(b"/").removeprefix(b"/")
