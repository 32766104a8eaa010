"""What graders compare answers with: the conversation before the cut, and what really came next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from quality.cuts import next_turns
from quality.happened import Happening, Kind

_LONGEST: Final[dict[Kind, int]] = {"prompt": 4000, "answer": 4000, "call": 400, "result": 600}
"""Characters of each that are shown, its beginning and its end."""
_SPEAKERS: Final[dict[Kind, str]] = {"prompt": "USER", "answer": "AGENT", "call": "CALL", "result": "RESULT"}


def before(past: Sequence[Happening]) -> str:
    """Returns the conversation up to the cut, to look things up in."""
    return _written("What came before: the newest is at the end", past)


def after(ahead: Sequence[Happening]) -> str:
    """Returns what came next, up to the prompt that follows the next two."""
    return _written("What really came next", next_turns(ahead))


def _written(title: str, happened: Sequence[Happening]) -> str:
    return "\n\n".join([f"# {title}", *map(_entry, happened)]) + "\n"


def _entry(each: Happening) -> str:
    return f"{each.record} {_SPEAKERS[each.kind]}: {_shortened(each.text, _LONGEST[each.kind])}"


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters ...]\n{text[-half:]}"
