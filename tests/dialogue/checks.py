"""Makes the handoffs of dialogues and checks what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

from carryover.distill.digest import Digest
from carryover.distill.fold import fold
from carryover.distill.handoff import Handoff, distill
from carryover.distill.header import Answering
from carryover.distill.render import MAX_LINES, lay_out, render
from carryover.distill.view import ProjectView, SessionView
from carryover.model import Event
from dialogue.phrases.every import PHRASES
from dialogue.scenario import Dialogue
from dialogue.session import Session
from dialogue.truth import CONTENT, Expectation
from support.conversation import MINUTE_MS, ROOT

_LABELS: Final = ("Now: ", "Then: ", "Agreed to: ", "Before that: ")
_NOT_OF_A_TURN: Final = frozenset(
    (
        "newest edit",
        "newest test run",
        "usage limit",
        "nothing was announced",
    )
)
"""Rules of lines that come from no single turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation and whether the handoff of its dialogue meets it."""

    dialogue: Dialogue
    expected: Expectation
    met: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A handoff, as a structure and as its reader gets it."""

    handoff: Handoff
    text: str
    sections: Mapping[str, list[str]]
    """The lines of each section, without their bullet."""


def folded(events: Iterable[Event]) -> Digest:
    """The digest of a session's events."""
    return reduce(fold, events, Digest())


def view_of(sessions: Iterable[Session], *, until: int | None = None) -> ProjectView:
    """The project view of the sessions, as the ledger returns it; of the last session only the first `until` events."""
    *earlier, last = sessions
    views = []
    for session, events in [*((session, session.events) for session in earlier), (last, last.events[:until])]:
        views.append(
            SessionView(
                session=session.id,
                agent=session.agent,
                started_ms=session.started_ms,
                last_ms=events[-1].at_ms,
                digest=folded(events),
            )
        )
    return ProjectView(root=ROOT, sessions=tuple(reversed(views)))


def handed_over(made: Dialogue, *, until: int | None = None) -> Shown | None:
    """The handoff for the next session, or None where there is nothing to hand over. With `until`, the last session
    has only that many events."""
    view = view_of(made.sessions, until=until)
    now_ms = view.sessions[0].last_ms + MINUTE_MS
    compacted = made.compacted and until is None
    handoff = distill(view, None, {}, resume="ask", now_ms=now_ms, own=made.sessions[-1].id if compacted else None)
    if handoff is None:
        return None
    text = render(handoff, Answering(situation="compacted", now_ms=now_ms) if compacted else None)
    return Shown(handoff, text, _sections(text))


def _sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("## "):
            found[line.removeprefix("## ")] = []
        elif line.startswith("- ") and found:
            found[list(found)[-1]].append(line.removeprefix("- "))
    return found


def outcomes(made: Dialogue) -> list[Outcome]:
    """Every expectation of the dialogue's handoff, met or not."""
    shown = handed_over(made)
    expected = made.truth.expectations()
    if shown is None:
        return [Outcome(made, one, met=False) for one in expected]
    found = [Outcome(made, one, _meets(shown, one)) for one in expected]
    for kind, holds in (("light", _light_is_no_task), ("protocol", _protocol_is_not_open), ("source", has_sources)):
        found.append(Outcome(made, Expectation(kind, ""), holds(made, shown)))
    short = len(shown.text.splitlines()) <= MAX_LINES
    return [*found, Outcome(made, Expectation("lines", ""), met=short)]


def _meets(shown: Shown, expected: Expectation) -> bool:
    sections = expected.sections or tuple(shown.sections)
    stands = any(expected.mark in line for title in sections for line in shown.sections.get(title, ()))
    return stands == expected.present


def _light_is_no_task(made: Dialogue, shown: Shown) -> bool:
    return not any(_bare(line) in made.truth.light for line in shown.sections.get("Task", ()))


def _bare(line: str) -> str:
    for label in _LABELS:
        line = line.removeprefix(label)
    return line


def _protocol_is_not_open(made: Dialogue, shown: Shown) -> bool:
    asked = PHRASES[made.language].continue_question
    return not any(text in line for line in shown.sections.get("Open questions", ()) for text in asked)


def has_sources(made: Dialogue, shown: Shown) -> bool:
    """Each line names the rule that chose it; a line that comes from a turn names one that exists."""
    prompts = {session.id: session.prompts for session in made.sessions}
    entries = [entry for _, lines in lay_out(shown.handoff) for _, entry in lines]
    return all(entry.rule for entry in entries) and all(
        1 <= entry.turn <= prompts.get(entry.session, 0) for entry in entries if entry.rule not in _NOT_OF_A_TURN
    )


def rates(found: Iterable[Outcome], by: Callable[[Outcome], str]) -> dict[str, float]:
    """The share of expectations that are met, grouped by `by`."""
    met: dict[str, list[bool]] = defaultdict(list)
    for one in found:
        met[by(one)].append(one.met)
    return {key: sum(values) / len(values) for key, values in met.items()}


def is_content(one: Outcome) -> bool:
    """Whether this is something worth keeping, rather than a guard."""
    return one.expected.kind in CONTENT
