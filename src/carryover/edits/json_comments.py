"""Reads JSON with comments and trailing commas, as several agents' settings allow. Pure.

Comments are `//` to the end of the line and `/* */`. They are replaced with white space, so that the standard decoder
can read the document and report its real positions.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SPACE: Final = r"[ \t\n\r]"
_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_COMMENT: Final = r"//[^\r\n]*|/\*.*?\*/"
_COMMENTS: Final = re.compile(_COMMENT, re.DOTALL)
_STRING_OR_COMMENT: Final = re.compile(f"({_STRING})|{_COMMENT}", re.DOTALL)
_STRING_OR_SIGN: Final = re.compile(rf"{_STRING}|[^ \t\n\r]", re.DOTALL)
_LAST_COMMA: Final = re.compile(rf",(?={_SPACE}*[}}\]])")
_GAP: Final = re.compile(rf"(?:{_SPACE}|{_COMMENT})*", re.DOTALL)
_COMMENTS_ON_LINE: Final = re.compile(r"(?:[ \t]*(?:/\*(?:(?!\*/)[^\r\n])*\*/|//[^\r\n]*))*")


@lru_cache(maxsize=4)  # every container of a document asks for it
def blanked(text: str) -> str:
    """Returns the text with spaces in place of comments, and of a comma after the last item of an object or array.

    Length and line ends stay the same. Plain JSON is returned unchanged.
    """
    if "//" in text or "/*" in text:
        text = _STRING_OR_COMMENT.sub(lambda found: found[1] or re.sub(r"[^\r\n]", " ", found[0]), text)
    return text if _LAST_COMMA.search(text) is None else _without_last_commas(text)


def past_gap(text: str, at: int) -> int:
    """Returns the position after white space and comments."""
    found = _GAP.match(text, at)
    return found.end() if found else at


def past_comments_on_line(text: str, at: int) -> int:
    """Returns the end of the last comment that follows on the same line; `at` if there is none."""
    found = _COMMENTS_ON_LINE.match(text, at)
    return found.end() if found else at


def past_comments(text: str, start: int, end: int) -> int:
    """Returns the end of the last comment in a gap; `start` if there is none."""
    return max((found.end() for found in _COMMENTS.finditer(text, start, end)), default=start)


def ends_in_line_comment(gap: str) -> bool:
    """Whether a gap ends in a `//` comment, so that nothing else may follow on that line."""
    last = max(_COMMENTS.finditer(gap), key=re.Match.end, default=None)
    return last is not None and last.end() == len(gap) and last[0].startswith("//")


def _without_last_commas(text: str) -> str:
    """Returns the text with a space for each comma between a value and a closing bracket."""
    kept: list[str] = []
    end = 0
    after_value = False
    for found in _STRING_OR_SIGN.finditer(text):
        if found[0] == "," and after_value and _LAST_COMMA.match(text, found.start()):
            kept.append(text[end : found.start()] + " ")
            end = found.end()
        after_value = found[0] not in ("[", "{", ",", ":")
    return "".join((*kept, text[end:]))
