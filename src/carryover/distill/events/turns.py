"""Adds turns to a digest, changes the newest one, and trims or drops older ones."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from carryover.distill.clip import clip_middle
from carryover.distill.digest import MOST_TURNS, Digest, Said, Turn
from carryover.model import Event

NEWEST_CHARS: Final = 8000
"""Characters kept of the last words of the newest turn."""
MOST_SAID: Final = 8
"""Most texts kept of the newest turn."""
# Turns back → what is kept: number of texts, characters of the last one, of the others, of the prompt.
_KEPT: Final = ((1, 5, 6000, 700, 3000), (3, 3, 2600, 500, 2000), (8, 2, 1800, 300, 1200), (16, 1, 1000, 0, 700))
_OLDEST: Final = (1, 500, 0, 500)
_FIRST_PROMPT_CHARS: Final = 2400
"""The first prompt usually contains the goal and its details."""
_RECENT: Final = 16
"""How many of the newest turns always stay."""


def with_turn(digest: Digest, **changes: Any) -> Digest:
    """Returns the digest with its newest turn changed; unchanged if there is none yet."""
    if not digest.turns:
        return digest
    return replace(digest, turns=(*digest.turns[:-1], replace(digest.turns[-1], **changes)))


def at_work(digest: Digest, event: Event) -> Digest:
    """Returns the digest with a turn for the event: one without a prompt if a thread begins with work."""
    if digest.turns:
        return digest
    return replace(digest, turns=(Turn(session=event.session, number=0, at_ms=event.at_ms, last_ms=event.at_ms),))


def begin(digest: Digest, turn: Turn) -> Digest:
    """Adds `turn` as the newest one. The older a turn is, the less of it is kept."""
    aged = digest.turns
    for back, texts, last, others, prompt in _KEPT:
        if back <= len(aged):
            at = len(aged) - back
            aged = (*aged[:at], _shortened(aged[at], texts, last, others, prompt), *aged[at + 1 :])
    if len(aged) > _RECENT:
        at = len(aged) - _RECENT - 1
        aged = (*aged[:at], _shortened(aged[at], *_OLDEST), *aged[at + 1 :])
    if len(aged) >= MOST_TURNS:
        aged = _without_least(aged)
    return replace(digest, turns=(*aged, turn))


def _shortened(turn: Turn, texts: int, last: int, others: int, prompt: int) -> Turn:
    prompt = max(prompt, _FIRST_PROMPT_CHARS) if turn.number <= 1 else prompt
    said = turn.said[-texts:]
    said = tuple(
        Said(clip_middle(one.text, chars=last if one is said[-1] else others), one.at_ms)
        for one in said
        if others or one is said[-1]
    )
    return replace(turn, said=said, prompt=clip_middle(turn.prompt, chars=prompt, tail_share=0.3))


def _without_least(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Drops the older turn that a reader misses least: the one with the shortest prompt, but never the first."""
    older = range(1, len(turns) - _RECENT)
    least = min(older, key=lambda at: (_weight(turns, at), at))
    return (*turns[:least], *turns[least + 1 :])


def _weight(turns: tuple[Turn, ...], at: int) -> int:
    """Returns the length of the prompt, increased for a correction, for replies of the user and for commits. A
    correction follows an interrupted turn, which weighs at least as much as the correction."""
    turn = turns[at]
    corrects = turns[at - 1].end == "interrupted"
    weight = min(turn.chars, 600) * (3 if corrects else 1) + 300 * len(turn.replies) + 50 * len(turn.commits)
    is_corrected = turn.end == "interrupted" and at + 1 < len(turns)
    return max(weight, _weight(turns, at + 1)) if is_corrected else weight
