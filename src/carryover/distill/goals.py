"""What a session is about, by its prompts: the one that states its goal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from carryover.distill.closed_classes import (
    asks_to_go_on,
    begins_with_reply,
    names_what_goes_on,
    only_replies,
)
from carryover.distill.digest import Gist, Turn
from carryover.distill.pastes import typed_words
from carryover.text.harmless import one_line
from carryover.text.pattern import later

_NAME: Final = later(r"/[\w:.-]*|\w*", re.ASCII)
"""A command or a word, as opposed to an address, a file or text in a script that is written without blanks."""


def says_something(turn: Turn) -> bool:
    """Whether the prompt is more than a short reply or punctuation, and was not sent on a schedule."""
    return not turn.is_scheduled and not is_reply(turn)


def is_reply(turn: Turn) -> bool:
    """Whether the prompt is a short reply or punctuation, or missing."""
    return turn.attachments == 0 and only_replies(turn.prompt)


def goal_of(digest: Gist) -> Turn | None:
    """Returns a session's first prompt that states a goal, or else its first one with any words: neither a template
    without words of the user nor a short text that begins with a reply."""
    return _first_goal([turn for turn in digest.turns if turn.prompt])


def newest_goal_of(digest: Gist) -> Turn | None:
    """Returns a session's newest prompt that states a goal, or else its newest one with any words."""
    return _first_goal([turn for turn in reversed(digest.turns) if turn.prompt])


def _first_goal(turns: Sequence[Turn]) -> Turn | None:
    goals = filter(states_goal, turns)
    return next(goals, None) or next(filter(says_something, turns), None) or next(iter(turns), None)


def states_goal(turn: Turn) -> bool:
    """Whether the prompt has words of the user, more than one name such as `/init` or `B`, and is no short text that
    begins with a reply, such as "yes to all". The first prompt replies to nothing: "continue the receipt" names it."""
    replies = begins_with_reply(turn.prompt) and not (turn.number == 1 and names_what_goes_on(turn.prompt))
    return says_something(turn) and not (is_name(turn.prompt) or turn.is_template or replies)


def is_name(prompt: str) -> bool:
    """Whether a prompt is only the name of a command or a single word, such as `/config` or `ls`."""
    return _NAME.fullmatch(prompt.strip()) is not None


def task_of(digest: Gist) -> str | None:
    """Returns the task of a single session, in the user's words on one line; None if the user said nothing."""
    goal = goal_of(digest)
    if goal is None:
        return None
    plan = goal.prompt.partition("\n")[2].strip() if goal.accepts_plan else ""
    return one_line(plan or typed_words(goal.prompt) or goal.prompt)


def only_goes_on(digest: Gist) -> bool:
    """Whether a session goes on with earlier work and asks for nothing else: there are only short replies in it, and
    work was done for them, or one of them says to go on."""
    if not all(map(is_reply, digest.turns)):
        return False
    says_so = (turn.resumes or asks_to_go_on(turn.prompt) for turn in digest.turns)
    return digest.worked or any(says_so)
