"""What the text of an ignore file says of a folder at the top of the checkout, without asking git."""

from __future__ import annotations

import os
import re
from typing import Final

from carryover.text.pattern import later

SIZE_LIMIT_BYTES: Final = 256 << 10
"""Larger ignore files are left to git."""

_ANY: Final = ord("*")
_ONE: Final = ord("?")
"""The wildcards of which git's manual says all. Other signs of patterns are in no name that is asked about."""
_LETS_IN: Final = later(rb"^(?:\xef\xbb\xbf)?!", re.MULTILINE)


def has_rule(data: bytes, folder: str) -> bool:
    """Whether the text of an ignore file ignores a folder at the top of the checkout by its name or a pattern for it;
    if False, git has to be asked."""
    for line in reversed(data.split(b"\n")):
        if line.startswith(b"!"):
            return False
        if _ignores(line, folder):
            return True
    return False


def names(data: bytes, folder: str) -> bool:
    """Whether the text of an ignore file has a rule for a folder by its name alone."""
    return any(_name_in(line) == os.fsencode(folder) for line in data.split(b"\n"))


def may_let_in(data: bytes) -> bool:
    """Whether the text of an ignore file has a rule that takes something back in."""
    return _LETS_IN.search(data) is not None


def _ignores(line: bytes, folder: str) -> bool:
    """Whether a line of an ignore file certainly matches the folder."""
    return _matches(_name_in(line), os.fsencode(folder))


def _matches(pattern: bytes, name: bytes) -> bool:
    """Whether a name matches a pattern with `*` and `?`, in time that grows with the pattern's length: `fnmatch` makes
    a regular expression of each, and takes seconds for a file of them."""
    read = {0}
    """How much of the name the pattern may have matched so far."""
    for sign in pattern:
        if sign == _ANY:
            read = {*range(min(read), len(name) + 1)}
        else:
            read = {at + 1 for at in read if at < len(name) and sign in (_ONE, name[at])}
        if not read:
            return False
    return len(name) in read


def _name_in(line: bytes) -> bytes:
    # Of other spaces at the end, git takes all as part of the name.
    return line.removesuffix(b"\r").rstrip(b" ").removesuffix(b"/").removeprefix(b"/")
