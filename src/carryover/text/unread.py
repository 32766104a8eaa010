"""Recognises by form alone the lines that no reader reads: drawings, encoded data, numbers in rows, minified code,
listings of files, progress."""

from __future__ import annotations

from typing import Final

from carryover.text.pattern import later

_SHORTEST: Final = 24
_MOST_LETTERS: Final = 0.5
"""A line with a bar in which a larger share are letters says something beside it."""
_ENCODED: Final = later(r"[\"']?(?:data:[\w/+.-]+;base64,)?(?:[A-Za-z0-9+/]{64,}|[A-Za-z0-9_-]{64,})={0,2}[\"',;]{0,3}")
_MIXED: Final = later(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)")
_HEX: Final = later(r"(?:0x)?[0-9a-fA-F]{129,}|(?:[0-9a-f]{4,16}:?\s+)(?:[0-9a-f]{2,4}\s+){7,}.{0,40}")
_LISTED: Final = later(
    r"[-dlbcps][-rwxsStT]{9}[.+@]?\s+\d+\s.+|(?:\S*/)?\.git/(?:objects|logs|refs|hooks|info)(?:/\S*)?"
)
"""A line of `ls -l`, or a path that git keeps for itself."""
_FETCHED: Final = later(
    r"[A-Z]\w+ (?:\w+ )?\S+\.(?:whl|tar\.gz|tgz|zip|deb|rpm|crate|jar)\S*(?: \([\d.]+ ?[kMG]B\).*)?"
)
_SENT: Final = later(
    r"(?:remote: )?(?:(?:(?:Enumerat|Count|Compress|Receiv|Writ)ing objects|Resolving deltas|Updating files"
    r"|Filtering content): +(?:\d+% \(\d+/\d+\)(?:, [^:]{0,80})?|\d+, done\.)|Total \d+ \(delta \d+\)[^:]{0,80})"
    r"|Delta compression using up to \d+ threads?"
    r"|\(Reading database \.\.\.(?: +\d+%)?|(?:Get|Hit|Ign):\d+ \w+:.{1,240}"
)
"""How far git was with what it sends, gets or writes, or apt with what it gets and installs."""
_AMONG_OTHERS: Final = r"[-+]?\d[\d.]*(?:e[-+]?\d+)?%?"
"""A number without commas: one that had them could be divided in many ways."""
_NUMBERS: Final = later(rf"{_AMONG_OTHERS}(?:[\s,;/]+{_AMONG_OTHERS}){{7,}},*")
_DRAWN: Final = later(r"[MmLlHhVvCcSsQqTtAaZz][\s,]*-?(?:\d+\.?\d*|\.\d+)(?:[\s,-]*(?:\d+\.?\d*|\.\d+))*")
_MOST_DRAWN: Final = 0.6
"""The share of a line that the commands of a path take, if it is one."""
_BAR: Final = later(
    r"[█▓▒░▉▊▋▌▍▎▏■□▰▱━╸╺]{6,}|\[[=#>.\- ]{8,}\]|\d%\s*[|\[][=#>.\- ]{5,}|[-\d]:--:--\s|\A[\u2801-\u28ff]\s"
)
_CODE_SIGN: Final = later(r"[;(){}]")
_LONG: Final = 300
_EXAMINED: Final = 4000


def is_unread(line: str) -> bool:
    """Whether a line, stripped of white space, has a form that people and models skip."""
    line = line[:_EXAMINED]
    if any(form.fullmatch(line) for form in (_LISTED, _FETCHED, _NUMBERS, _SENT)):
        return True
    if len(line) < _SHORTEST:
        return False
    if _BAR.search(line) and any(sign.isdigit() or sign > "\u27ff" for sign in line):
        return sum(map(str.isalpha, line)) < _MOST_LETTERS * len(line)
    if _HEX.fullmatch(line):
        return True
    if len(line) < 64:
        return False
    return (
        (_ENCODED.fullmatch(line) is not None and _MIXED.match(line) is not None)
        or _is_path(line)
        or _is_minified(line)
    )


def _is_path(line: str) -> bool:
    """Whether a line consists mostly of the commands of an SVG path."""
    steps = [step[0] for step in _DRAWN.finditer(line)]
    return len(steps) > 3 and sum(map(len, steps)) > _MOST_DRAWN * len(line)


def _is_minified(line: str) -> bool:
    """Whether a line is code without the blanks that people write; JSON and prose have fewer such signs."""
    if len(line) < _LONG or line.count(" ") * 12 > len(line):
        return False
    return len(_CODE_SIGN.findall(line)) * 14 > len(line) and line.count(";") + line.count("(") > len(line) // 60
