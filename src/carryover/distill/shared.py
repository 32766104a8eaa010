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
_WEIGHTS: Final = {
    "Task": 0.0,
    "Where it stands": 0.2,
    "Next action": 0.1,
    "Open questions": 0.5,
    "Also in progress": 1.2,
    "What the user said": 0.9,
    "Recent files": 0.9,
    "Failed approaches": 1.0,
    "Progress log": 1.0,
    "From the agent's own summary": 1.2,
    "Git context": 0.7,
}
"""The sections that may be taken from it, with the weights of their first lines: what stands under any other heading
is left out, since a heading is read as ours."""
_EACH: Final = 0.1


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
        elif title in _WEIGHTS and line.startswith(_LINE):
            lines.append(line.removeprefix(_LINE))
    if lines:
        yield title, lines


def _entries(shared: Opinion, sender: str, title: str, lines: list[str]) -> Iterator[Entry]:
    for back, line in enumerate(lines):
        yield Entry(
            text=line,
            label=sender,
            kind="text from outside",
            weight=_WEIGHTS[title] + _EACH * back,
            session=shared.session,
            at_ms=shared.at_ms,
        )
