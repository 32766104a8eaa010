"""Tool output is kept as head and tail: what a command was about stands first, how it ended stands last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

HEAD_CHARS: Final = 1500
TAIL_CHARS: Final = 4500

_REDACT_CHARS: Final = 1 << 16
"""How much of each end of a long output is searched for secrets; one that reaches into what is kept ends in there."""


def bound_output(output: str, hide: Callable[[str], str]) -> tuple[str, int]:
    """Redacted head and tail of `output` with a line between them that says how much was left out, and that number.

    `hide` redacts. It comes first: half a secret can no longer be told. What lies so far inside a long output that none
    of it is kept is not searched, which bounds the work for output of any length.
    """
    if len(output) <= 2 * _REDACT_CHARS:
        hidden = hide(output)
        head, tail, between = hidden[:_REDACT_CHARS], hidden[_REDACT_CHARS:], 0
    else:
        head, tail = hide(output[:_REDACT_CHARS]), hide(output[-_REDACT_CHARS:])
        between = len(output) - 2 * _REDACT_CHARS
    whole = head + tail
    if between == 0 and len(whole) <= HEAD_CHARS + TAIL_CHARS:
        return whole, 0
    dropped = len(whole) + between - HEAD_CHARS - TAIL_CHARS
    return f"{whole[:HEAD_CHARS]}\n[... {dropped} characters left out ...]\n{whole[-TAIL_CHARS:]}", dropped
