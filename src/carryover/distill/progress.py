"""What was done: one line a turn, of what it was asked, what it says came out, and what shows it."""

from __future__ import annotations

from carryover.distill.clip import clip
from carryover.distill.digest import Digest, Turn
from carryover.distill.files import file_name
from carryover.distill.view import Note
from carryover.distill.words import flat, one_line, word_count

_SUBSTANTIAL_ANSWER_WORDS = 12
_ASKED_TOKENS = 28
_OUTCOME_TOKENS = 35
"""As many as the characters allowed cost in Latin script: in others the end of a line would not be shown."""


def note_of(digest: Digest) -> Note | None:
    """The progress note of the digest's turn, once that turn is over; None where nothing came of it.

    An answer's own claim is quoted as such; files, commits and tests come from what the tools reported.
    """
    turn = digest.turn
    if turn is None:
        return None
    shown = _shown_by(turn)
    if not shown and not (turn.done and word_count(turn.outcome) >= _SUBSTANTIAL_ANSWER_WORDS):
        return None
    asked = clip(flat(turn.ask.answers or turn.ask.text), chars=110, tokens=_ASKED_TOKENS)
    outcome = one_line(turn.outcome) if turn.done else "not finished"
    text = f"{asked} → {clip(outcome, chars=140, tokens=_OUTCOME_TOKENS)}" if outcome else asked
    return Note(kind="progress", text=f"{text}{shown}", at_ms=turn.last_ms)


def _shown_by(turn: Turn) -> str:
    parts: list[str] = []
    if turn.commits:
        parts.append("committed: " + "; ".join(clip(subject, chars=80) for subject in turn.commits[-2:]))
    elif turn.edited:
        names = [file_name(path) for path in turn.edited[-3:]]
        more = len(turn.edited) - len(names)
        parts.append("edited " + ", ".join(names) + (f" and {more} more" if more else ""))
    if turn.tests is not None:
        parts.append(f"tests {turn.tests}")
    return f" [{'; '.join(parts)}]" if parts else ""
