"""From the material to the pieces of a document, each with a rank: the higher it is, the sooner the piece is left out.

Within a kind the rank grows with age and falls with how often something is named, so what is least recent and least
referenced goes first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from carryover.distill.handoff import Line
from carryover.distill.language.prose import flat
from carryover.distill.relative_time import elapsed
from carryover.export.code_pieces import change_pieces, file_pieces
from carryover.export.guidance_pieces import guidance_pieces
from carryover.export.material import Material, Said
from carryover.export.piece import Piece
from carryover.export.project_facts import languages, layout
from carryover.export.quoting import one_line, quoted, safe
from carryover.redact import CleanText

ABOUT: Final = "The project"
TASK: Final = "Task"
DECISIONS: Final = "Decisions, the weightiest and newest first"
WORKED: Final = "What was done"
FAILED: Final = "What did not work"
OPEN: Final = "Open questions"
NEXT: Final = "What the agent would do next"
LAST_ANSWER: Final = "The agent's last answer"

_FROM_HANDOFF: Final = {
    "Task": TASK,
    "Also in progress": "Also in progress",
    "Findings": "Findings",
    "Failed approaches": FAILED,
    "Open questions": OPEN,
    "Next action": NEXT,
    "Git context": "State of git",
}
_FIRST_RANK: Final = {
    TASK: 0,
    NEXT: 0,
    "State of git": 10,
    OPEN: 20,
    FAILED: 22,
    "Findings": 22,
    "Also in progress": 36,
}
_DECISION_RANK: Final = 18
_STEP: Final = 2
_WORKED_RANK: Final = 26
_WORKED_STEP: Final = 6
_MOST_DECISIONS: Final = 25
_MOST_STEPS: Final = 25
_DAY_MS: Final = 86_400_000
_HALF_LIFE_DAYS: Final = 14
_TASK_CHARS: Final = 4000
_ANSWER_CHARS: Final = 6000
_SHORT_ANSWER_CHARS: Final = 1500
_CONTEXT_CHARS: Final = 400
_SAME_BEGINNING: Final = 50


def pieces_of(material: Material) -> list[Piece]:
    """The pieces in the order in which they are printed."""
    return [
        *_about(material),
        *_of_handoff(material, TASK),
        *_task_in_full(material),
        *_decisions(material),
        *_worked(material),
        *(piece for title in (FAILED, "Findings", OPEN, NEXT) for piece in _of_handoff(material, title)),
        *_last_answer(material),
        *_of_handoff(material, "Also in progress"),
        *_of_handoff(material, "State of git"),
        *guidance_pieces(material.guidance),
        *change_pieces(material),
        *file_pieces(material),
    ]


def _about(material: Material) -> Iterator[Piece]:
    if material.about:
        yield Piece(section=ABOUT, text=one_line(material.about), rank=5, label="the README's first paragraph")
    found = languages(material.paths)
    if found:
        shown = ", ".join(f"{name} ({count} file{'s' * (count > 1)})" for name, count in found)
        yield Piece(section=ABOUT, text=one_line(f"- Languages: {shown}"), rank=12, label="the languages")
    entries = layout(material.paths)
    if entries:
        text = CleanText(
            "\n".join(["- Layout (files in each folder):", *(f"  - {one_line(entry)}" for entry in entries)])
        )
        short = CleanText("\n".join(text.split("\n")[:8]))
        yield Piece(section=ABOUT, text=text, rank=32, label="the layout", shorter=short, part="the first folders")


def _of_handoff(material: Material, title: str) -> Iterator[Piece]:
    """The lines of one of the handoff's sections."""
    if material.handoff is None:
        return
    for section in material.handoff.sections:
        if _FROM_HANDOFF.get(section.title) != title:
            continue
        for number, line in enumerate(section.lines):
            rank = _FIRST_RANK[title] and _FIRST_RANK[title] + _STEP * number
            yield Piece(section=title, text=_item(line.text), rank=rank, label=title)


def _task_in_full(material: Material) -> Iterator[Piece]:
    """The prompts that set the task, where the section's lines shorten them."""
    shown = [line.text.rstrip("…") for line in _lines(material, "Task")]
    for line in _lines(material, "Task"):
        said = _said(material, line.entry.session, line.entry.at_ms)
        text = safe(said.text).text.strip() if said is not None else ""
        if not text or any(flat(text) in other for other in shown):
            continue
        full = _cut(text, _TASK_CHARS)
        label = "the request in full"
        heading = CleanText("The request in full, as the user wrote it to the agent:\n\n")
        short = CleanText(f"{heading}{quoted(_cut(text, 600))}")
        yield Piece(section=TASK, text=CleanText(f"{heading}{quoted(full)}"), rank=6, label=label, shorter=short)
        return


class _Decision(msgspec.Struct, frozen=True):
    text: str
    at_ms: int
    weight: float
    session: str = ""


def _decisions(material: Material) -> Iterator[Piece]:
    """What the user decided, by weight halved every two weeks, with what the user said around it."""
    of_line = [
        _Decision(line.text, line.entry.at_ms, 2.0, line.entry.session) for line in _lines(material, "Decisions")
    ]
    lasting = [
        _Decision(note.text, note.at_ms, float(note.weight)) for note in material.notes if note.kind == "decision"
    ]
    unique: dict[str, _Decision] = {}
    for decision in (*of_line, *lasting):
        unique.setdefault(decision.text[:_SAME_BEGINNING], decision)

    def standing(decision: _Decision) -> float:
        age_days = max(0, material.now_ms - decision.at_ms) / _DAY_MS
        return (1 + decision.weight) * math.pow(0.5, age_days / _HALF_LIFE_DAYS)

    ordered = sorted(unique.values(), key=lambda decision: (-standing(decision), -decision.at_ms, decision.text))
    for number, decision in enumerate(ordered[:_MOST_DECISIONS]):
        reason = _around(decision, material)
        text = f"{_item(decision.text)} ({_age(decision.at_ms, material)})" if decision.at_ms else _item(decision.text)
        full = CleanText(f'{text}\n  As the user put it: "{reason}"') if reason else CleanText(text)
        yield Piece(
            section=DECISIONS,
            text=full,
            rank=_DECISION_RANK + _STEP * number,
            label="decisions",
            shorter=CleanText(text) if reason else None,
        )


def _around(decision: _Decision, material: Material) -> CleanText:
    """The prompt that a decision is from, or the part of it around the decision; empty where it says no more."""
    said = _said(material, decision.session, decision.at_ms)
    if said is None:
        return CleanText("")
    prompt, wanted = one_line(said.text), one_line(decision.text).rstrip("….")
    at = prompt.find(wanted[:40])
    if at < 0 or len(prompt) < len(wanted) + 20:
        return CleanText("")
    start = max(0, at - _CONTEXT_CHARS // 2)
    end = min(len(prompt), start + len(wanted) + _CONTEXT_CHARS)
    return CleanText(f"{'…' if start else ''}{prompt[start:end].strip()}{'…' if end < len(prompt) else ''}")


def _worked(material: Material) -> Iterator[Piece]:
    """The finished steps, newest first: those of the handoff, then what it has no room for."""
    shown = [line.text for line in _lines(material, "Progress log")]
    steps = sorted(
        (note for note in material.notes if note.kind == "progress"), key=lambda note: (-note.at_ms, note.text)
    )
    older = [
        f"{_age(note.at_ms, material)}: {note.text}" for note in steps if not any(note.text in line for line in shown)
    ]
    for number, text in enumerate([*shown, *older][:_MOST_STEPS]):
        yield Piece(section=WORKED, text=_item(text), rank=_WORKED_RANK + _WORKED_STEP * number, label="older steps")


def _last_answer(material: Material) -> Iterator[Piece]:
    if material.last_answer is None or not material.last_answer.text.strip():
        return
    text = safe(material.last_answer.text).text.strip()
    yield Piece(
        section=LAST_ANSWER,
        text=quoted(_cut(text, _ANSWER_CHARS)),
        rank=24,
        label="the agent's last answer",
        share=0.15,
        shorter=quoted(_cut(text, _SHORT_ANSWER_CHARS)),
        part="its beginning and end",
    )


def _lines(material: Material, title: str) -> Iterable[Line]:
    sections = material.handoff.sections if material.handoff is not None else ()
    return [line for section in sections if section.title == title for line in section.lines]


def _said(material: Material, session: str, at_ms: int) -> Said | None:
    return next(
        (said for said in material.said if said.at_ms == at_ms and session in ("", said.session) and at_ms), None
    )


def _item(text: str) -> CleanText:
    return CleanText(f"- {one_line(text)}")


def _age(at_ms: int, material: Material) -> str:
    return f"{elapsed(at_ms, material.now_ms)} ago"


def _cut(text: str, chars: int) -> CleanText:
    """Clean `text` with its middle left out where it is longer: its end says what came of it."""
    if len(text) <= chars:
        return CleanText(text)
    head = chars // 3
    return CleanText(f"{text[:head].rstrip()}\n[...]\n{text[head - chars :].lstrip()}")
