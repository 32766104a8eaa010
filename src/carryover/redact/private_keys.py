"""Hides private keys in PEM and PuTTY form: whole, cut off, or with literal line ends inside a string; and what is
nothing but the list of numbers in which Solana's tools keep one."""

from __future__ import annotations

from carryover.redact.values import Span, insert_marks
from carryover.text.pattern import later

_SIGNS = ("PRIVATE KEY", "Private-Lines")
_ARMOUR = later(
    r"-{4,5} ?(BEGIN|END) (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
    r"|(Private-Lines): \d{1,3}"
)
_KEY_PAIR = later(r"\[\s{0,8}(?:\d{1,3},\s{0,8}){63}\d{1,3}\s{0,8}\]\s*")
_IN_HEX = "2d2d2d2d2d424547494e20"
"""How a PEM file begins, as `xxd -p` prints it."""
_HEX_KEY = later(rf"{_IN_HEX}[0-9a-f\n]{{0,40}}50524956415445(?:\n?[0-9a-f]){{40,}}")
_LEAST_RANDOM = 40
"""How many different numbers there are at least: of 64 random bytes, 57 are different."""
_LONGEST = 64 * 1024
_LONGEST_LINE = 1024
_BODY = later(r"[A-Za-z0-9+/=]{16}")
# What is between the lines of a key: line ends (real or escaped), quotes, diff and quote marks, the line numbers
# that agents' read tools print, and the headers of an encrypted key.
# Python before 3.11.5 matches possessive groups wrongly, and a greedy one would backtrack when no line follows. So the
# gap and the line after it are matched one after the other, and only single characters are repeated possessively.
_GAP = later(
    r"(?:[\s>|+\"',]++|\\++(?:[nrt]|u000[aAdD])|%0[aAdD]|&#1[03];|<br ?/?>|#++[ ]|//++[ ]|\*++[ ]"
    r"|L?\d{1,6}(?:→|\t|\.[ ]|[ ]{0,4}[:|│][ ]?)|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,200})*"
)
_TORN_LINE = later(r"[A-Za-z0-9+/=]{16,}+")
_TORN_LAST_LINE = later(r"[A-Za-z0-9+/]{1,64}+={0,2}(?=\s*\Z|[\"'\\\n])")
_TORN_ONLY_LINE = later(r"[A-Za-z0-9+/]{4,}+={0,2}\s*\Z")
_LINE = r"[\s>|+\"',]*+(?:L?\d{1,6}(?:→|\t|\.[ ]|[ ]{0,4}[:|│][ ]?)|#++[ ]|//++[ ]|\*++[ ])?\s*+"
_FULL_LINE = later(rf"{_LINE}[A-Za-z0-9+/=]{{16,}}+[\s\"',+\\n]*+")
_LAST_LINE = later(rf"{_LINE}[A-Za-z0-9+/=]*+[\s\"',+\\n]*+")


def hide_private_keys(text: str, counts: dict[str, int]) -> str:
    """Replaces each private key with one mark. A header without a key body, as in a search pattern, stays."""
    spans: list[Span] = []
    if text.startswith("[") and _KEY_PAIR.fullmatch(text) and len(set(text.split(","))) >= _LEAST_RANDOM:
        spans.append((1, text.rindex("]"), "private-key"))
    if _IN_HEX in text:
        spans += [(*key.span(), "private-key") for key in _HEX_KEY.finditer(text)]
    for armour in _ARMOUR.finditer(text) if any(sign in text for sign in _SIGNS) else ():
        if armour[2]:
            start: int | None = _end_of_gap(text, armour.end())
            end = _end_of_lines(text, armour.end())
        elif armour[1] == "BEGIN":
            start = armour.start()
            end = _end_of_key(text, armour.end())
        else:
            start = _start_of_headless_key(text, armour.start())
            end = armour.end()
        if start is not None and end is not None:
            spans.append((start, end, "private-key"))
    return insert_marks(text, spans, counts)


def _end_of_key(text: str, body: int) -> int | None:
    following = _ARMOUR.search(text, body, body + _LONGEST)
    if following is not None and following[1] == "END":
        return following.end() if _BODY.search(text, body, following.start()) else None
    return _end_of_lines(text, body)


def _end_of_lines(text: str, body: int) -> int | None:
    end = body  # of a key body that lacks its end line
    last_line = _TORN_ONLY_LINE
    while line := _TORN_LINE.match(text, _end_of_gap(text, end)):
        end = line.end()
        last_line = _TORN_LAST_LINE
    last = last_line.match(text, _end_of_gap(text, end))
    if last is not None:
        return last.end()
    return end if end > body else None


def _end_of_gap(text: str, start: int) -> int:
    gap = _GAP.match(text, start, start + _LONGEST)
    return gap.end() if gap else start


def _start_of_headless_key(text: str, tail: int) -> int | None:
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
