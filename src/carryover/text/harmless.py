"""Removes from text of others whatever changes how it is read: control sequences, invisible characters, and marks of
chat templates, of agents and of Carryover itself. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from carryover.text.pattern import later

_LINE_ENDS: Final = later(r"\r\n?|[\x0b\x0c\u2028\u2029\x85]")
_SEQUENCE: Final = later(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[*+(#%)][0-9A-Z]")
_CONTROL: Final = later(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SOFT_HYPHEN: Final = "\u00ad"
_DIRECTION: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH: Final = r"\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb"
_FORMATS: Final = "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
_TAGS: Final = "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
_UNSEEN: Final = later(f"[{_DIRECTION}{_ZERO_WIDTH}{_FORMATS}{_TAGS}]")

# These belong to scripts such as Persian, Mongolian and Korean and to emoji, where one or two follow a character. After
# ASCII, a blank of any kind or another one, they only hide something.
_JOINERS: Final = r"\u200c\u200d\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0"
_SELECTORS: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_JOINER: Final = later(f"[{_JOINERS}{_SELECTORS}]")
"""Is in every text with one that is misplaced, and ten times as quick to search for."""
_MISPLACED: Final = later(
    rf"(?<![^\x00-\x7f\s\u2800])[{_JOINERS}{_SELECTORS}]+(?!\u20e3)|(?<=[{_JOINERS}])[{_JOINERS}{_SELECTORS}]+|(?<=[{_SELECTORS}])[{_SELECTORS}]+"
)

_MOST_MARKS: Final = 8
"""The most combining marks that any language puts on a letter."""
_MAY_BE_A_STACK: Final = later(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS + 1},}}")


def harmless(text: str) -> str:
    """Returns `text` without what a terminal would obey and what a reader would not see: control sequences and
    characters, and all that hides, reorders or means nothing. Its lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text.encode("utf-8", "replace").decode("utf-8"))
    # What is unseen may be needed behind a character that is seen, so those that aren't assigned go first.
    return without_unseen(without_unassigned(_CONTROL.sub("", _SEQUENCE.sub("", text))))


def one_line(text: str, limit: int | None = None) -> str:
    """Returns `text`, made harmless, on one line with single spaces; cut with `…` to at most `limit` characters."""
    line = " ".join(harmless(text).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def without_unseen(text: str) -> str:
    """Returns `text` without characters that reorder or hide text; line ends stay."""
    if text.isascii():
        return text
    seen = _UNSEEN.sub("", text.replace(_SOFT_HYPHEN, ""))
    return without_stacks(_MISPLACED.sub("", seen) if _JOINER.search(seen) else seen)


def without_stacks(text: str) -> str:
    """Returns `text` without stacks of combining marks that no language uses and that would cover other lines."""
    return text if text.isascii() else _MAY_BE_A_STACK.sub(_thinned, text)


def _thinned(signs: re.Match[str]) -> str:
    kept = []
    marks = 0
    for sign in signs[0]:
        marks = marks + 1 if unicodedata.category(sign).startswith("M") else 0
        if marks <= _MOST_MARKS:
            kept.append(sign)
    return "".join(kept)


_BEYOND_ASCII: Final = later(r"[^\x00-\x7f]")
_UNASSIGNED: Final = ("Cs", "Co", "Cn")


def without_unassigned(text: str) -> str:
    """Returns `text` without surrogates and characters that Unicode assigns to nothing or to private use."""
    return text if text.isascii() else _BEYOND_ASCII.sub(_if_assigned, text)


def _if_assigned(sign: re.Match[str]) -> str:
    return "" if unicodedata.category(sign[0]) in _UNASSIGNED else sign[0]


_TAGGED: Final = later(r"<([a-z]+[-_][\w-]{1,60})(?: [^<>]{0,200})?>[^<]{0,2000}</\1>|\A\s*</?[a-z]+[-_].*", re.S)


def without_tagged(text: str) -> str:
    """Returns `text` on one line, without what a client inserted between tags such as `<command-name>`."""
    return " ".join(_TAGGED.sub(" ", text).split()) if "<" in text else text


_CHAT_MARK: Final = later(
    r"<(?=\||\uff5c|<?/?SYS>>|/?s>)|\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT))\]",
    re.I,
)
_OUR_MARKS: Final = later(r"\[CARRYOVER\]|CARRYOVER:(?:START|END)|RESUME PROTOCOL", re.I)
# All of `<!-<!--` and `-->->`: what is left of them would otherwise be one again.
_COMMENT_BEGINS: Final = later(r"(?<![<!-])(?=[<!-]*<!)[<!-]*--")
_COMMENT_ENDS: Final = later(r"(?<!-)--[->]*")
_AGENT_TAG: Final = later(
    r"<(?=/?(?:[a-z]+[-_][\w-]+|system|user|assistant|human|instructions?|context|tool|function|invoke|thinking)\b)",
    re.I,
)


def without_chat_marks(text: str) -> str:
    """Returns `text` with chat-template marks (`<|im_start|>`, `<<SYS>>`, `[INST]`, `</s>`) readable but harmless."""
    return _CHAT_MARK.sub(_harmless, text)


def _harmless(mark: re.Match[str]) -> str:
    return f"({mark[1]})" if mark[1] else "‹"


def without_comments(text: str) -> str:
    """Returns `text` without what begins and ends a comment but its dashes.

    >>> without_comments("a <!-- b --> c <!<!---->> d")
    'a -- b -- c ---- d'
    """
    return _COMMENT_ENDS.sub(_dashes, _COMMENT_BEGINS.sub(_dashes, text))


def _dashes(run: re.Match[str]) -> str:
    return "-" * run[0].count("-")


def without_marks(text: str) -> str:
    """Returns `text` unable to pass for a comment, for Carryover's own marks, or for a message of an agent."""
    text = _OUR_MARKS.sub(_in_lower_case, without_comments(text))
    return without_chat_marks(_AGENT_TAG.sub("‹", text))


def _in_lower_case(mark: re.Match[str]) -> str:
    return mark[0].lower().replace("[", "(").replace("]", ")")
