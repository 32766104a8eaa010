"""As much of Markdown as is needed to tell what a memory file says from what it only shows: fences, code, comments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# A fence may stand in a list or a quotation. Depth of indentation is not judged: list items move it.
_OPENER: Final = re.compile(rb"[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]*)*(`{3,}(?=[^`]*$)|~{3,})")
_CLOSER: Final = re.compile(rb"[ \t>]*(`{3,}|~{3,})[ \t]*$")
_TOKEN: Final = re.compile(r"`+|<!--|-->|\n[ \t\r]*(?=\n)")


def fenced(lines: Sequence[bytes]) -> set[int]:
    """Indexes of the lines that belong to a closed code fence. A fence that is never closed counts as text."""
    places = [at for at, line in enumerate(lines) if b"```" in line or b"~~~" in line]
    closers = [_run(_CLOSER, lines[at]) or b"" for at in places]
    longest_after = _longest_after(closers)
    inside: set[int] = set()
    at = 0
    while at < len(places):
        opener = _run(_OPENER, lines[places[at]])
        if opener is not None and longest_after[at].get(opener[:1], 0) >= len(opener):
            end = next(i for i in range(at + 1, len(places)) if closers[i].startswith(opener))
            inside.update(range(places[at], places[end] + 1))
            at = end
        at += 1
    return inside


@lru_cache(maxsize=16)
def prose(data: bytes) -> str:
    """The text without code fences, code spans and HTML comments."""
    lines = data.split(b"\n")
    hidden = fenced(lines)
    text = b"\n".join(b"" if at in hidden else line for at, line in enumerate(lines)).decode("utf-8-sig", "replace")
    tokens = list(_TOKEN.finditer(text))
    partner = _partners([token[0] for token in tokens])
    kept, position, at = [], 0, 0
    while at < len(tokens):
        end = partner[at]
        if end is not None:
            kept.append(text[position : tokens[at].start()])
            position, at = tokens[end].end(), end
        at += 1
    return "".join(kept) + text[position:]


def _run(pattern: re.Pattern[bytes], line: bytes) -> bytes | None:
    match = pattern.match(line.rstrip(b"\r\n"))
    return match[1] if match else None


def _longest_after(closers: Sequence[bytes]) -> list[dict[bytes, int]]:
    """For each place the length of the longest closing run behind it, by its character."""
    found: list[dict[bytes, int]] = []
    longest: dict[bytes, int] = {}
    for closer in reversed(closers):
        found.append(longest)
        if len(closer) > longest.get(closer[:1], 0):
            longest = {**longest, closer[:1]: len(closer)}
    return found[::-1]


def _partners(tokens: Sequence[str]) -> list[int | None]:
    """For each token that opens a code span or a comment the index of the one that ends it."""
    partners: list[int | None] = []
    next_run: dict[str, int] = {}
    next_end: int | None = None
    for at, token in reversed(list(enumerate(tokens))):
        partners.append(next_end if token == "<!--" else next_run.get(token))
        if token == "-->":
            next_end = at
        elif token.startswith("`"):
            next_run[token] = at
        elif token.startswith("\n"):  # a code span ends with its paragraph
            next_run = {}
    return partners[::-1]
