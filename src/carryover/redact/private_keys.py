"""Private keys in PEM armour: whole, cut off at either end, or written with literal line ends inside a string."""

from __future__ import annotations

import re
from collections.abc import Iterator

from carryover.redact.marks import Span, put_marks

_ARMOUR = re.compile(r"-----(BEGIN|END) (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_LONGEST = 64 * 1024
_LONGEST_LINE = 1024
_BODY = re.compile(r"[A-Za-z0-9+/=]{16}")
# What stands between the lines of a key: line ends (real or escaped), quotes, diff and quote marks, the line numbers
# that agents' read tools print, and the headers of an encrypted key.
_GAP = r"(?:[\s>|+\"',]|\\+[nrt]|\d{1,6}(?:→|[:|][ ])|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,200})*+"
_TORN_BODY = re.compile(
    rf"(?:{_GAP}[A-Za-z0-9+/=]{{16,}}+)++(?:{_GAP}[A-Za-z0-9+/]{{1,64}}+={{0,2}}(?=\s*\Z|[\"'\\\n]))?"
    rf"|{_GAP}[A-Za-z0-9+/]{{4,}}+={{0,2}}\s*\Z"
)
_LINE = r"[\s>|+\"',]*+(?:\d{1,6}(?:→|[:|][ ]|\t))?\s*+"
_FULL_LINE = re.compile(rf"{_LINE}[A-Za-z0-9+/=]{{16,}}+[\s\"',+\\n]*+")
_LAST_LINE = re.compile(rf"{_LINE}[A-Za-z0-9+/=]*+[\s\"',+\\n]*+")


def hide_private_keys(text: str, counts: dict[str, int]) -> str:
    """Replace each private key with one mark. A header without a key body (a search pattern, say) stays."""
    if "PRIVATE KEY" not in text:
        return text
    return put_marks(text, _spans(text), counts)


def _spans(text: str) -> Iterator[Span]:
    for armour in _ARMOUR.finditer(text):
        if armour[1] == "BEGIN":
            end = _end_of_key(text, armour.end())
            if end is not None:
                yield armour.start(), end, "private-key"
        elif (start := _start_of_headless_key(text, armour.start())) is not None:
            yield start, armour.end(), "private-key"


def _end_of_key(text: str, body: int) -> int | None:
    following = _ARMOUR.search(text, body, body + _LONGEST)
    if following is not None and following[1] == "END":
        return following.end() if _BODY.search(text, body, following.start()) else None
    torn = _TORN_BODY.match(text, body)
    return torn.end() if torn else None


def _start_of_headless_key(text: str, tail: int) -> int | None:
    """Where the key body that ends at `tail` begins, when its first lines were cut off."""
    start = None
    line_end = tail
    shape = _LAST_LINE
    while line_end and tail - line_end < _LONGEST:
        line_start = text.rfind("\n", max(0, line_end - _LONGEST_LINE), line_end - 1) + 1
        if not shape.fullmatch(text, line_start, line_end):
            break
        line_end = line_start
        if shape is _FULL_LINE:
            start = line_start
        elif "\n" in text[line_start:tail]:  # the short last line has been passed
            shape = _FULL_LINE
    return start
