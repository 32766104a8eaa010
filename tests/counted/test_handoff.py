"""What a session that was before costs when a handoff is made: calls of functions."""

from __future__ import annotations

from typing import Final

from support.calls import calls
from support.conversation import Conversation, handoff, project, session

CALLS: Final = 3_300
"""For each session of six turns."""


def _talk(number: int) -> Conversation:
    talk = session(f"s{number}", hours=number)
    for part in range(6):
        talk.user(f"Add part {number} of cart {part}.").edited(f"cart{part}.py")
        talk.says(f"Part {number} of cart {part} is added.\nIt takes cents.")
    return talk


def _made(sessions: int) -> int:
    newest = session("newest", hours=sessions).user("continue").edited("cart.py").says("Done.")
    talks = [*map(_talk, range(sessions)), newest]
    view = project(*talks)
    return calls(lambda: handoff(*talks, view=view))


def test_a_session_takes_few_calls_however_many_there_are() -> None:
    _, few, many = (_made(sessions) for sessions in (1, 3, 12))  # the first one makes the patterns

    assert (many - few) / 9 <= CALLS
