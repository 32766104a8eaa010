"""Tells by form alone what a user typed into a form, such as the prompt of a command with a place for its arguments."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from carryover.distill.closed_classes import is_list_item
from carryover.distill.pastes import MOST_TYPED
from carryover.text.markdown import line_forms
from carryover.text.pattern import later

_HEADING: Final = later(r"\s*#{1,3}\s+(\S.{0,59})")
_LEAST_HEADINGS: Final = 2
_PLACE: Final = later(r"\s*(?:\$ARGUMENTS|\$@|\{\{ ?(?:args|input) ?\}\})\s*", re.I)
"""A line that stands where a client puts what was typed, in a command's file that it did not fill in."""
_NAMED: Final = later(r"\s*(?:description:|#{1,3})\s+(\S.{0,59})")


class Filled(NamedTuple):
    """What was typed into a form, perhaps nothing, and the line that names the form."""

    typed: str
    template: str


def filled_in(prompt: str) -> Filled | None:
    """Returns what was typed into a form: a text longer than people type, whose first heading has a code block alone
    below it, and that goes on with at least one more heading; or a command's file with an empty place, of which only
    a last line right below a list can be typed. None if the prompt is no form."""
    if len(prompt) <= MOST_TYPED:
        return None
    lines = prompt.splitlines()
    if any(map(_PLACE.fullmatch, lines)):
        *_, before, last = prompt.rstrip().splitlines()
        typed = last.strip() if is_list_item(before) and not is_list_item(last) and last == last.lstrip() else ""
        named = next(filter(None, map(_NAMED.match, lines)), None)
        name = named[1] if named is not None else next(line for line in lines if line.strip())
        return _filled(prompt, typed, name)
    forms = line_forms(lines)
    shown = [at for at, line in enumerate(lines) if line.strip()]
    fences = [at for at, form in enumerate(forms) if form == "fence"]
    name = _HEADING.match(lines[shown[0]]) if len(shown) > 1 else None
    headings = sum(form == "text" and _HEADING.match(line) is not None for form, line in zip(forms, lines, strict=True))
    if name is None or fences[:1] != shown[1:2] or len(fences) < 2 or headings < _LEAST_HEADINGS:
        return None
    typed = "\n".join(lines[fences[0] + 1 : fences[1]]).strip()
    if 2 * len(typed) > len(prompt):
        return None
    return _filled(prompt, typed, name[1])


def _filled(prompt: str, typed: str, name: str) -> Filled:
    return Filled(typed, f"template “{name.strip()[:60]}”, {len(prompt) - len(typed):,} characters")
