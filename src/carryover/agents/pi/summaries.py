"""What pi and its forks write when they compact a conversation, or leave a branch of it. Pure."""

from __future__ import annotations

import re
from typing import Final

from carryover.records.summary import kinds_of
from carryover.text.pattern import later

_LISTS: Final = later(r"(?<!\n)\n*<(read-files|modified-files)>\n(?:(?!<\1>).)*?\n</\1>", re.DOTALL)
_BRANCH: Final = later(r"\AThe user explored a different conversation branch.*?Summary of that exploration:\s*", re.S)
HEADINGS: Final = kinds_of(
    request="goal|latest user request context",
    current="progress|done|in progress",
    next="next steps|open todos",
    pending="blocked|pending user asks",
    other="constraints & preferences|key decisions|critical context|decisions|constraints/rules|exact identifiers",
)
"""Headings that a compaction's request asks for (code); the later ones of each are OpenClaw's (2026.9.6)."""
UNTIL_KEPT: Final = ("in progress", "next steps", "blocked")
"""Sections of a summary that the newest answer may have overtaken: the summary does not cover the newest 20,000 tokens,
which are kept (2026.6)."""


def without_lists(summary: str) -> str:
    """Returns a compaction's summary without the lists of files that the client puts below it."""
    return _LISTS.sub("", summary)


def of_branch(summary: str) -> str:
    """Returns a summary of a branch that the user left, without the client's words above it."""
    return _BRANCH.sub("", summary)
