"""A request that the user stopped before anything came of it, and left for something else."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Turn
from carryover.distill.language.forms import begins_with_yes
from carryover.distill.language.names import shared_names, weighty_words
from carryover.distill.tool_failures import takes_back
from carryover.distill.work.relation import is_resuming, only_rules, worked
from carryover.distill.work.state import Line, WorkState
from carryover.text import lazy_re as re

_DOCUMENT_LINES: Final = 6
_LIST_OR_HEADING: Final = re.compile(r"^\s*(?:#{1,6}\s|[-*+•]\s|\d{1,2}[.)]\s)|:\s*$")


def without_abandoned(state: WorkState, turn: Turn) -> WorkState:
    """The state in which the line before leads again, where `turn` turns back to it, or to something else, from a
    request that was stopped before a file changed. The stopped one stays beside it.

    Whoever stops a turn mostly says what to do instead: what shares a word with the stopped request belongs to it.
    """
    stopped = state.line_of(turn.session)
    if stopped is None or stopped is not state.lead or not _came_to_nothing(stopped, turn):
        return state
    before = next((line for line in state.lines[1:] if _is_of_session(line, turn.session)), None)
    if before is None or not _leaves(turn, stopped, before):
        return state
    others = (line for line in state.lines if line is not before)
    return replace(state, lines=(before, *others), sessions={**state.sessions, turn.session: before.id})


def _came_to_nothing(line: Line, turn: Turn) -> bool:
    goal = line.goal
    stopped = line.interrupted and line.step is None and not line.files
    return stopped and goal is not None and (goal.session, goal.turn) == (turn.session, turn.number - 1)


def _is_of_session(line: Line, session: str) -> bool:
    return any(item is not None and item.session == session for item in (line.goal, line.step, *line.announced))


def _leaves(turn: Turn, stopped: Line, before: Line) -> bool:
    prompt = turn.prompt
    assert stopped.goal is not None
    if not worked(turn) or prompt.asks or is_resuming(turn, first=True) or begins_with_yes(prompt.text):
        return False
    words = weighty_words(prompt.text)
    if shared_names(prompt.names, stopped.goal.names) or words & weighty_words(stopped.goal.text):
        return False
    if takes_back(prompt.text):
        return True
    if only_rules(prompt.text):
        return False
    known = (
        *before.reported,
        *before.files,
        *(name for item in (before.goal, before.step) if item for name in item.names),
    )
    return _is_document(stopped.goal.text) or bool(shared_names(prompt.names, known))


def _is_document(text: str) -> bool:
    """Mostly list items and headings, as a command's template or a ready-made order is."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) >= _DOCUMENT_LINES and 2 * sum(1 for line in lines if _LIST_OR_HEADING.search(line)) >= len(lines)
