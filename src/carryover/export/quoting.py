"""Makes outside text safe to quote in a document: nothing in it can hide, end its block, or speak for Carryover."""

from __future__ import annotations

from typing import Final

from carryover.redact import CleanText, clean
from carryover.text.harmless import harmless, without_chat_marks, without_comments
from carryover.text.pattern import later

_BACKTICKS: Final = later(r"`{3,}")
_LANGUAGE: Final = later(r"[A-Za-z0-9+#-]{1,20}")


def safe(text: str) -> CleanText:
    """Returns `text` without secrets, hidden characters and chat-template markers; lines are kept."""
    return clean(without_chat_marks(harmless(text)))


def hidden_in(text: str) -> int:
    """Returns how many hidden characters `safe` takes out of `text`."""
    return len(text) - len(harmless(text)) - text.count("\r\n")


def quoted_line(text: str) -> CleanText:
    """Returns `text` as a single line of a list; it cannot open a block or a heading."""
    line = " ".join(_BACKTICKS.sub("''", safe(text)).split())
    return CleanText(without_comments(line))


def fenced(text: CleanText, language: str = "") -> CleanText:
    """Returns `text` as a code block whose fence is longer than any in it, so that it cannot be closed early."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    name = language if _LANGUAGE.fullmatch(language) else ""
    return CleanText(f"{fence}{name}\n{text.rstrip(chr(10))}\n{fence}")


def code_span(name: str) -> CleanText:
    """Returns a path or name as inline code."""
    return CleanText(f"`{quoted_line(name).replace('`', chr(39))}`")
