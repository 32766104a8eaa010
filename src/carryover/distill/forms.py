"""Tells by form alone what a user typed into a form, such as the prompt of a command with a place for its arguments."""

from __future__ import annotations

from typing import Final, NamedTuple

from carryover.distill.pastes import MOST_TYPED
from carryover.text.markdown import line_forms
from carryover.text.pattern import later

_HEADING: Final = later(r"\s*#{1,3}\s+(\S.{0,59})")
_LEAST_HEADINGS: Final = 2


class Filled(NamedTuple):
    """What was typed into a form, perhaps nothing, and the line that names the form."""

    typed: str
    template: str


def request_in(prompt: str) -> str:
    """Returns what a prompt asks: what was typed into it if it is a form, or else the line that names the form."""
    form = filled_in(prompt)
    return prompt if form is None else form.typed or form.template


def filled_in(prompt: str) -> Filled | None:
    """Returns what was typed into a form: a text longer than people type, whose first heading has a code block alone
    below it, and that goes on with at least one more heading. None if the prompt is no form."""
    if len(prompt) <= MOST_TYPED:
        return None
    lines = prompt.splitlines()
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
    return Filled(typed, f"template “{name[1].strip()}”, {len(prompt) - len(typed):,} characters")
