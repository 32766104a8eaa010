"""Turns the material into the pieces of a document, each with a rank: the higher it is, the sooner it is left out.

Within a kind, the rank rises with age and falls with the number of mentions, so the oldest and least mentioned go
first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from carryover.distill.entry import Entry
from carryover.export.budget import Piece
from carryover.export.code_pieces import change_pieces, file_pieces
from carryover.export.guidance_pieces import guidance_pieces
from carryover.export.material import Material, Said
from carryover.export.project_facts import layout
from carryover.export.quoting import one_line, quoted, safe
from carryover.redact import CleanText


class _Shown(NamedTuple):
    """A section of the handoff in the document: its title, and the ranks of its lines. Rank 0 always stays."""

    title: str
    rank: int
    step: int


_ABOUT: Final = "The project"
_FROM_HANDOFF: Final = {
    "Task": _Shown("Task", 0, 0),
    "What the user said": _Shown("What the user said", 7, 2),
    "Where it stands": _Shown("Where it stands", 4, 2),
    "Progress log": _Shown("What was done", 26, 6),
    "Failed approaches": _Shown("What did not work", 22, 2),
    "Open questions": _Shown("Open questions", 20, 2),
    "Next action": _Shown("What the agent would do next", 0, 0),
    "Also in progress": _Shown("Also in progress", 36, 2),
    "From the agent's own summary": _Shown("From the agent's own summary", 46, 4),
    "Recent files": _Shown("Recent files", 30, 6),
    "Git context": _Shown("State of git", 10, 2),
}
"""Sections by their heading in the handoff, in the order of the document."""
_TASK_CHARS: Final = 4000
_ANSWER_CHARS: Final = 6000
_SHORT_ANSWER_CHARS: Final = 1500


def pieces_of(material: Material) -> list[Piece]:
    """Returns the pieces in the order in which they are printed."""
    found = [*_about(material)]
    for heading in _FROM_HANDOFF:
        found += _of_handoff(material, heading)
        if heading == "Task":
            found += _task_in_full(material)
        if heading == "Next action":
            found += _last_answer(material)
    return [*found, *guidance_pieces(material.guidance), *change_pieces(material), *file_pieces(material)]


def _about(material: Material) -> Iterator[Piece]:
    if material.about:
        yield Piece(section=_ABOUT, text=one_line(material.about), rank=5, label="the README's first paragraph")
    entries = layout(material.paths)
    if entries:
        text = CleanText(
            "\n".join(["- Layout (files in each folder):", *(f"  - {one_line(entry)}" for entry in entries)])
        )
        short = CleanText("\n".join(text.split("\n")[:8]))
        yield Piece(section=_ABOUT, text=text, rank=32, label="the layout", shorter=short, part="the first folders")


def _of_handoff(material: Material, heading: str) -> Iterator[Piece]:
    title, rank, step = _FROM_HANDOFF[heading]
    for number, line in enumerate(_lines(material, heading)):
        yield Piece(section=title, text=CleanText(f"- {one_line(line.shown)}"), rank=rank + step * number, label=title)


def _task_in_full(material: Material) -> Iterator[Piece]:
    """Yields the prompt that sets the task, if the section only shows part of it."""
    lines = _lines(material, "Task")
    shown = [one_line(line.shown) for line in lines]
    for line in lines:
        said = _said(material, line.session, line.at_ms)
        text = safe(said.text).text.strip() if said is not None else ""
        if not text or any(one_line(text) in other for other in shown):
            continue
        heading = CleanText("The request in full, as the user wrote it to the agent:\n\n")
        yield Piece(
            section=_FROM_HANDOFF["Task"].title,
            text=CleanText(f"{heading}{quoted(_cut(text, _TASK_CHARS))}"),
            rank=6,
            label="the request in full",
            shorter=CleanText(f"{heading}{quoted(_cut(text, 600))}"),
        )
        return


def _last_answer(material: Material) -> Iterator[Piece]:
    if material.last_answer is None or not material.last_answer.text.strip():
        return
    text = safe(material.last_answer.text).text.strip()
    yield Piece(
        section="The agent's last answer",
        text=quoted(_cut(text, _ANSWER_CHARS)),
        rank=24,
        label="the agent's last answer",
        share=0.15,
        shorter=quoted(_cut(text, _SHORT_ANSWER_CHARS)),
        part="its beginning and end",
    )


def _lines(material: Material, heading: str) -> list[Entry]:
    sections = material.handoff.sections if material.handoff is not None else ()
    return [entry for section in sections if section.title == heading for entry in section.entries]


def _said(material: Material, session: str, at_ms: int) -> Said | None:
    return next(
        (said for said in material.said if said.at_ms == at_ms and session in ("", said.session) and at_ms), None
    )


def _cut(text: str, chars: int) -> CleanText:
    """Shortens clean `text` by leaving out its middle, since what came of it is at its end."""
    if len(text) <= chars:
        return CleanText(text)
    head = chars // 3
    return CleanText(f"{text[:head].rstrip()}\n[...]\n{text[head - chars :].lstrip()}")
