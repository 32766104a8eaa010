"""Whether the brackets of a C or C++ file pair, which macros cannot hide as they hide the rest from a parser."""

from __future__ import annotations

import re

_C_TOKEN = re.compile(
    rb"""(?xs)
      //[^\n]* | /\*.*?(?:\*/|\Z) | R"(?P<tag>[^()\s"]{0,16})\(.*?(?:\)(?P=tag)"|\Z)
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.){1,8}'
    | ^[ \t]*\#[ \t]*(?:(?P<directive>if(?:n?def)?|el\w+|endif)\b)?(?:[^\n\\]|\\.)*
    | (?P<bracket>[{}()\[\]])
    """,
    re.MULTILINE,
)
_CLOSED_BY = {b"{": b"}", b"(": b")", b"[": b"]"}


def brackets_pair(source: bytes) -> bool:
    """Whether every bracket of a C or C++ file is closed, in the first branch of each `#if`."""
    open_brackets: list[bytes] = []
    branches: list[bool] = []  # for each `#if` we are in: whether it is past its first branch
    for token in _C_TOKEN.finditer(source):
        directive, bracket = token["directive"], token["bracket"]
        if directive is not None:
            if directive.startswith(b"if"):
                branches.append(False)
            elif directive == b"endif":
                del branches[-1:]
            elif branches:
                branches[-1] = True
        elif bracket is not None and not any(branches):
            if bracket in _CLOSED_BY:
                open_brackets.append(_CLOSED_BY[bracket])
            elif not open_brackets or open_brackets.pop() != bracket:
                return False
    return not open_brackets
