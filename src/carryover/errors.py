"""The errors that users see, and the exit codes of both commands."""

from __future__ import annotations

from enum import IntEnum
from itertools import pairwise
from typing import Final

_NOT_SEEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
_TAGS: Final = ("\U000e0000", "\U000f0000")
"""Where Unicode keeps what is never seen, also what it has not assigned yet. Elsewhere that may be a new emoji."""
_JOINERS: Final = "\u200c\u200d"
"""Joiners belong to words and emoji after a non-ASCII letter; after an ASCII one they only hide something."""


class ExitCode(IntEnum):
    """Exit codes of `carryover` and `carryoverd`; documented in docs/commands.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOTHING_FOUND = 3
    NOT_RUNNING = 4
    REFUSED = 5
    INTERRUPTED = 130


def os_reason(error: OSError) -> str:
    """Returns the reason of a file system error, without the path."""
    return error.strerror or str(error)


def visible(text: str) -> str:
    """Returns `text` on one line, with escapes in place of what a terminal would interpret, hide or reorder."""
    if text.isprintable():
        return text
    from unicodedata import category  # only for what is rare

    def is_seen(sign: str, before: str) -> bool:
        may_be_seen = category(sign) not in _NOT_SEEN and not _TAGS[0] <= sign < _TAGS[1]
        return sign.isprintable() or may_be_seen or (sign in _JOINERS and not before.isascii())

    signs = pairwise(f" {text}")
    return "".join(sign if is_seen(sign, before) else sign.encode("unicode_escape").decode() for before, sign in signs)


class UserError(Exception):
    """An error that the user can act on: what happened, what was kept and what to do next. It is printed without a
    traceback and in one paragraph, so a path in it can't add lines."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(visible(message))
        self.code = code
