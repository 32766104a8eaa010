"""What another person shared, as the handoff of a checkout in which nothing else is recorded. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from carryover.distill.entry import Entry, Section
from carryover.distill.quotes import quoted
from carryover.distill.view import Opinion
from carryover.text.pattern import later

FROM: Final = "> From "
"""How the line begins that names the person in the text of such a note."""
_SENDER: Final = later(rf"^{FROM}(.{{1,40}}?) on ", re.MULTILINE)
_HEADING: Final = "> ## "
_LINE: Final = "> - "
_FIXED: Final = {
    "Task": 6,
    "Next action": 5,
    "Where it stands": 4,
    "Open questions": 2,
    "Also in progress": 0,
    "What the user said": 0,
    "Recent files": 0,
    "Failed approaches": 0,
    "Progress log": 0,
    "From the agent's own summary": 0,
    "Git context": 0,
}
"""The sections that may be taken from it, and how many of their lines are fixed, in this order: what stands under any
other heading is left out, since a heading is read as ours."""


def shared_sections(shared: Opinion) -> list[Section]:
    """Returns the sections of the other person's handoff, each line under that person's name."""
    found = _SENDER.search(shared.text)
    # A sender can take any name, also that of a line of ours, such as "Pinned by the user".
    sender = f"Shared by {quoted(found[1]) if found is not None else 'another person'}"
    return [Section(title, tuple(_entries(shared, sender, title, lines))) for title, lines in _sections(shared.text)]


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    title = ""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(_HEADING):
            if lines:
                yield title, lines
            title = line.removeprefix(_HEADING)
            lines = []
        elif title in _FIXED and line.startswith(_LINE):
            lines.append(line.removeprefix(_LINE))
    if lines:
        yield title, lines


def _entries(shared: Opinion, sender: str, title: str, lines: list[str]) -> Iterator[Entry]:
    place = [*_FIXED].index(title)
    for at, line in enumerate(lines):
        yield Entry(
            text=line,
            label=sender,
            kind="text from outside",
            rank=(place, at) if at < _FIXED[title] else None,
            session=shared.session,
            at_ms=shared.at_ms,
        )
