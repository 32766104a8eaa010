"""The lines by which the same text is recognised in several prompts, and hashes of them."""

from __future__ import annotations

from typing import Final

from carryover.text.harmless import one_line

_LONG_BYTES: Final = 24
"""A shorter line (12 Cyrillic or 8 Chinese characters) may come in any two prompts."""
LEAST_LINES: Final = 8
"""A prompt with fewer long lines is short enough to be quoted, and a few repeated sentences are the user's own."""
_MOST_LINES: Final = 400
"""Lines of a prompt that are looked at: a pasted log should not fill the ledger."""
_HASH_BYTES: Final = 8


def long_lines(text: str) -> tuple[str, ...]:
    """Returns the lines of `text` that are long enough to identify it, each once."""
    found: dict[str, None] = {}
    for line in filter(_is_long, text.splitlines()):  # what is harmless is no longer
        if _is_long(tidy := one_line(line)):
            found[tidy] = None
        if len(found) == _MOST_LINES:
            break
    return tuple(found)


def _is_long(line: str) -> bool:
    return len(line.encode(errors="replace")) >= _LONG_BYTES


def hashed(text: str) -> int:
    """Returns a 64-bit hash of `text` as a signed integer, as SQLite stores it."""
    from hashlib import blake2b  # not at the top: a command that lists sessions compares no prompts

    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=_HASH_BYTES).digest(), signed=True)


def text_hash(text: str) -> int:
    """Returns a hash that is equal for texts which differ in white space only."""
    return hashed(one_line(text))
