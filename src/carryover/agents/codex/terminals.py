"""Processes that a command left running: what they print piece by piece, and what is typed into them."""

from __future__ import annotations

from typing import Final

from carryover.records.text import without_ansi
from carryover.text.pattern import later

_HEAD_CHARS: Final = 1500
_TAIL_CHARS: Final = 4500
_TAKES_COMMANDS: Final = later(r"(?:[$#%>❯]|\?|[\[(][yY](?:es)?/[nN]o?[\])][:?]?)\s*\Z")
"""The end of a line that waits for a command or a plain answer. Everything else may be a question for a secret."""
_ASKS_FOR_SECRET: Final = later(
    r"(?i)pass|phrase|pwd|\bpin\b|secret|credential|token|otp|2fa|\bcode\b|\bkey\b|kennwort|contraseña|senha|парол|密码|密碼|パスワード|비밀번호"
)


def joined(before: str, piece: str) -> str:
    """Returns what a process has printed so far, without the middle of what is long."""
    whole = before + piece
    if len(whole) <= _HEAD_CHARS + _TAIL_CHARS:
        return whole
    return f"{whole[:_HEAD_CHARS]}\n[...]\n{whole[-_TAIL_CHARS:]}"


def shown_input(chars: str, printed: str) -> str:
    """Returns the first line of what is typed into a process that has `printed` this; empty where it may be a secret.

    A line after the first may answer a question that the first one raises.
    """
    asked = without_ansi(printed).replace("\r", "\n").rpartition("\n")[2]
    if not _TAKES_COMMANDS.search(asked) or _ASKS_FOR_SECRET.search(asked):
        return ""
    return next((line.strip() for line in chars.splitlines() if line.strip().isprintable()), "")
