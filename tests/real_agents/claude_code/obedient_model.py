"""A model that does exactly what the handoff in its context asks for, so that one can see what a person then sees.

It shows that the text can be followed by its words alone. It does not show that a real model follows it.
"""

from __future__ import annotations

import re
from typing import Final

_SUMMARY: Final = "Your first response in this session MUST be:"
_QUESTION: Final = re.compile(r'^2\. The question: "(.+)"$', re.MULTILINE)
_BEGIN: Final = re.compile(r"Begin your first response with `(.+?)`")
_TITLE: Final = "# [CARRYOVER] Last updated"
_SPEAKER: Final = r"(?:[^:\n]*\(turn [^)\n]*\): )?"


def first_response(told: str, work: str) -> str:
    """The first thing such a model says. `work`: what it says as soon as it may begin."""
    handoff = told[told.rfind(_TITLE) :] if _TITLE in told else ""
    if _SUMMARY in handoff:
        question = _QUESTION.search(handoff)
        asked = question[1] if question else "(no question was given)"
        then = _first(handoff, "Next action") or _first(handoff, "Open questions") or "(not said)"
        return f"The task was: {_first(handoff, 'Task')}. Next: {then}.\n\n{asked}"
    if begin := _BEGIN.search(handoff):
        return f"{begin[1].replace('<task>', _first(handoff, 'Task'))} {work}"
    return work


def _first(handoff: str, section: str) -> str:
    found = re.search(rf"^## {section}\n- {_SPEAKER}(.+)$", handoff, re.MULTILINE)
    return found[1].rstrip(".") if found else ""
