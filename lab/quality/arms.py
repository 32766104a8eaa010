"""The ways to hand a session over that are compared: each makes a text of a session up to one of its records."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from carryover.distill.quotes import estimated_tokens
from carryover.errors import ExitCode, UserError
from carryover.past.transcript import handoff_of_transcript
from quality.happened import Happening

SIZES: Final = (600, 1800, 3600, 8000, 16_000)
CARRYOVER: Final = "Carryover"
TAIL: Final = "the tail"

_SPEAKERS: Final = {"prompt": "User", "answer": "Assistant", "call": "Call", "result": "Result"}


def carryover(file: Path, until: int, tokens: int) -> str:
    """Returns what `carryover handoff --transcript FILE --until N --tokens N` prints; empty if there is nothing."""
    try:
        return handoff_of_transcript(file, None, until or None, tokens).text
    except UserError as error:
        if error.code == ExitCode.NOTHING_FOUND:
            return ""
        raise


def tail(past: Sequence[Happening], tokens: int) -> str:
    """Returns the end of the conversation as it was said, as much as `tokens` hold."""
    lines: list[str] = []
    left = tokens
    for each in reversed(past):
        if not left:
            break
        line = f"{_SPEAKERS[each.kind]}: {each.text}"
        size = estimated_tokens(line) + 1
        if size > left:
            lines.append(_end(line, left))
            break
        lines.append(line)
        left -= size
    return "\n".join(reversed(lines))


def _end(line: str, tokens: int) -> str:
    """Returns as much of the end of a line as `tokens` hold."""
    starts = range(len(line) + 1)
    return line[bisect_left(starts, -tokens, key=lambda start: -estimated_tokens(line[start:])) :]
