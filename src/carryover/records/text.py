"""Text as a tool printed it, and what in it is Carryover's own."""

from __future__ import annotations

import re
from typing import Final

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")

HANDOFF_HEAD: Final = "# [CARRYOVER] Last updated"
HANDOFF_FILE: Final = ".carryover/handoff.md"
_OWN_FOLDER: Final = re.compile(r"\.carryover(?![\w.-])")


def tagged(text: str, tag: str, start: int = 0) -> str | None:
    """What stands between the first `<tag>` after `start` and its end, None when there is no such pair."""
    opening, closing = f"<{tag}>", f"</{tag}>"
    opened = text.find(opening, start)
    closed = text.find(closing, opened) if opened >= 0 else -1
    return text[opened + len(opening) : closed] if closed >= 0 else None


def without_ansi(text: str) -> str:
    """`text` without terminal escapes."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def without_handoff(output: str) -> str:
    """`output` without what it repeats of Carryover's own file: all of it, or the lines a search found there."""
    if HANDOFF_HEAD in output:
        return ""
    if HANDOFF_FILE not in output:
        return output
    return "\n".join(line for line in output.split("\n") if HANDOFF_FILE not in line)


def names_own_folder(text: str) -> bool:
    """Whether `text` (a command, a path) looks at Carryover's own files in a project."""
    return _OWN_FOLDER.search(text) is not None
