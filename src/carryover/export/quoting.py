"""Makes outside text safe to quote in a document: nothing in it can hide, end its block, or speak for Carryover."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.redact import CleanText, clean
from carryover.text.harmless import harmless, without_chat_marks, without_comments
from carryover.text.pattern import later

_BACKTICKS: Final = later(r"`{3,}")
_LANGUAGE: Final = later(r"[A-Za-z0-9+#-]{1,20}")


class Safe(msgspec.Struct, frozen=True):
    """Text that may be quoted, and the number of hidden characters that were removed."""

    text: CleanText
    hidden: int = 0


def safe(text: str) -> Safe:
    """Returns `text` without secrets, hidden characters and chat-template markers; lines are kept."""
    seen = harmless(text)
    return Safe(clean(without_chat_marks(seen)), len(text) - len(seen) - text.count("\r\n"))


def quoted_line(text: str) -> CleanText:
    """Returns `text` as a single line of a list; it cannot open a block or a heading."""
    line = " ".join(_BACKTICKS.sub("''", safe(text).text).split())
    return CleanText(without_comments(line))


def fenced(text: CleanText, language: str = "") -> CleanText:
    """Returns `text` as a code block whose fence is longer than any in it, so that it cannot be closed early."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    name = language if _LANGUAGE.fullmatch(language) else ""
    return CleanText(f"{fence}{name}\n{text.rstrip(chr(10))}\n{fence}")


def block_quote(text: CleanText) -> CleanText:
    """Returns `text` as a Markdown block quote."""
    return CleanText("\n".join(f"> {line}".rstrip() for line in text.strip().split("\n")))


def code_span(name: str) -> CleanText:
    """Returns a path or name as inline code."""
    return CleanText(f"`{quoted_line(name).replace('`', chr(39))}`")
