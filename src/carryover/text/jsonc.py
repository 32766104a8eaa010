"""JSON with comments (`//`, `/* */`) and trailing commas, as editors and agents accept it in their settings. Pure."""

from __future__ import annotations

import re
from typing import Final

from carryover.text.pattern import later

SPACES: Final = " \t\n\r"
COMMENT: Final = r"//[^\r\n]*|/\*.*?\*/"
"""Pattern for a comment, for `re.DOTALL`."""
# A text or a comment without an end goes on to the end of the document: it would else be looked for from each sign.
_TEXT: Final = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'
_TEXT_OR_COMMENT: Final = later(rf"({_TEXT})|{COMMENT}|(/\*.*)", re.DOTALL)
_LAST_COMMA: Final = later(rf"({_TEXT}|[\[{{,:][{SPACES}]*,)|,(?=[{SPACES}]*[}}\]])", re.DOTALL)
_MAY_BE_LAST: Final = later(rf",[{SPACES}]*[}}\]]")


def as_json(text: str) -> str:
    """Returns the text with spaces in place of comments and trailing commas, so that a decoder of JSON finds real
    positions. Length and line ends stay the same.

    >>> as_json('{"a": "//", /* b */ "c": [1,],} // d')
    '{"a": "//",         "c": [1 ] }     '
    """
    if "//" in text or "/*" in text:
        text = _TEXT_OR_COMMENT.sub(lambda found: found[1] or found[2] or _blank(found[0]), text)
    return _LAST_COMMA.sub(lambda found: found[1] or " ", text) if _MAY_BE_LAST.search(text) else text


def _blank(comment: str) -> str:
    return re.sub(r"[^\r\n]", " ", comment)
