"""What a later turn reverted, with the prompts of both: an approach that was not wanted, or that did not work."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from carryover.distill.closed_classes import only_consents
from carryover.distill.digest import Revert
from carryover.distill.entry import Entry, fixed_rank
from carryover.distill.quotes import PIECE_CHARS, earlier, in_quotes
from carryover.distill.sections.quoting import from_session
from carryover.distill.sections.recent_files import name_of_work
from carryover.distill.trail import Past
from carryover.distill.view import SessionView

_MOST_FILES: Final = 3
_PROMPT_CHARS: Final = 110
_BEFORE_CHARS: Final = 50
_LEAST_CHARS: Final = 40
_OTHER_WORDS: Final = 120
"""Characters of a line that are neither files nor the later prompt."""


def reverted_entries(past: Past) -> list[Entry]:
    """Returns a line for each turn that reverted what others had changed, newest first. A turn in which the user only
    agreed has none: a step that the agent had announced is no sign that anything failed. Nor have scratch files and
    what an agent notes for itself."""
    every = ((one, session) for session in past.view.sessions for one in session.digest.reverts)
    wanted = ((one, session) for one, session in every if not only_consents(_prompt(session, one.turn)))
    found = [(one, session) for one, session in wanted if name_of_work(one.path, past.view) is not None]
    found.sort(key=lambda each: (-each[0].at_ms, each[1].session, -each[0].turn))
    entries: list[Entry] = []
    for (session, turn), group in groupby(found, key=lambda each: (each[1], each[0].turn)):
        back = [one for one, _ in group]
        rank = fixed_rank("reverted", back=len(entries))
        text = _text(past, session, back)
        entries.append(from_session(session, turn, text, "edit", rank, at_ms=back[0].at_ms))
    return entries


def _text(past: Past, session: SessionView, back: Sequence[Revert]) -> str:
    newest = back[0]
    paths = [*dict.fromkeys(filter(None, (name_of_work(one.path, past.view) for one in reversed(back))))]
    more = f" and {len(paths) - _MOST_FILES} more" if len(paths) > _MOST_FILES else ""
    where = f"{', '.join(paths[:_MOST_FILES])}{more}"
    # The files are at the end of the line, which is cut if it is too long.
    room = max(_LEAST_CHARS, PIECE_CHARS - _OTHER_WORDS - len(where))
    notes = filter(None, (_asked(session, newest.turn, min(_PROMPT_CHARS, room)), earlier(newest.at_ms, past.at_ms)))
    turns = sorted({one.of for one in back})
    before = _with(f"turn {turns[0]}", _asked(session, turns[0], min(_BEFORE_CHARS, room // 2)))
    if len(turns) > 1:
        before = f"turns {', '.join(map(str, turns))}"
    asked = _with(past.turn(newest.turn, session), ", ".join(notes))
    return f"Reverted in {asked}: what {before} had changed in {where}"


def _with(name: str, notes: str) -> str:
    return f"{name} ({notes})" if notes else name


def _prompt(session: SessionView, number: int) -> str:
    return next((turn.prompt for turn in session.digest.turns if turn.number == number), "")


def _asked(session: SessionView, number: int, chars: int) -> str:
    """Returns the beginning of a turn's prompt; empty if it has none or is no longer known."""
    prompt = _prompt(session, number)
    return in_quotes(prompt, chars, tail=0.0) if prompt else ""
