"""Messages of the client on a command that its sandbox kept from something, or that it did not run (0.44, 0.105 –
0.142).

What a command printed has a header before it, or stands in such a message with its quotes escaped twice."""

from __future__ import annotations

import re
from typing import Final

from carryover.adapter.contract import ToolOutcome
from carryover.text.pattern import later

_BEGINS: Final = ("exec_command failed", "failed in sandbox ")
"""Later clients, and 0.44."""
_PRINTED: Final = "aggregated_output: StreamOutput { text: "
_PRINTED_END: Final = ", truncated_after_lines: "
_CODE: Final = later(r"\bExecToolCallOutput \{ exit_code: (-?\d{1,10}),")
_REJECTED: Final = 'CreateProcess { message: "Rejected(\\"'
_REJECTED_END: Final = '\\")" }'
_BY_USER: Final = "rejected by user"
_TO_THE_MODEL: Final = "\\\\nThe agent must not "
"""Begins what the model is told to do next, after an automatic review (0.126)."""
_ESCAPED: Final = later(r"\\(?:u\{([0-9a-f]{1,5}|10[0-9a-f]{4})\}|(.))")
"""A sign that is not printable has its number."""
_COLOUR: Final = "1b"
"""Begins a colour, the rest of which was taken out before."""
_BLANKS: Final = {"n": "\n", "t": "\t", "r": "\r"}


def denied(text: str) -> ToolOutcome | None:
    """Returns how a command ended of which the client quotes what it printed, or why it did not run it, in the form in
    which Rust shows values; None if it quotes neither."""
    if not text.startswith(_BEGINS):
        return None
    above, is_quoted, below = text.rpartition(_PRINTED)
    code = _CODE.search(above) if is_quoted else None
    if code is not None:
        printed = _unescaped(below.partition(_PRINTED_END)[0])
        return ToolOutcome("error", printed, exit_code=int(code[1]))
    _, is_rejected, reason = text.rpartition(_REJECTED)
    if is_rejected and reason.endswith(_REJECTED_END):
        reason = reason.removesuffix(_REJECTED_END).partition(_TO_THE_MODEL)[0]
        if reason == _BY_USER:
            return ToolOutcome("denied", text, never_ran=True)
        return ToolOutcome("error", _unescaped(f'\\"{reason}\\"'), never_ran=True)
    return None


def _unescaped(quoted: str) -> str:
    """Returns a text without the quotes around it, each escaped as often as all in it."""
    is_twice = quoted.startswith("\\")
    text = quoted[2:-2] if is_twice else quoted[1:-1]
    for _ in range(2 if is_twice else 1):
        text = _ESCAPED.sub(_meant, text)
    return text


def _meant(escaped: re.Match[str]) -> str:
    number, sign = escaped.groups()
    if number is None:
        return _BLANKS.get(sign, sign)
    return "" if number == _COLOUR else chr(int(number, 16))
