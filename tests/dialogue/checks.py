"""Makes the handoffs of dialogues and checks what they say."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from carryover.distill.digest import Digest
from carryover.distill.fold import fold
from carryover.distill.handoff import distill
from carryover.distill.header import Answering
from carryover.distill.render import MAX_LINES, render
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Facts
from dialogue.scenario import Dialogue
from dialogue.session import Session
from dialogue.truth import Expectation
from support.conversation import MINUTE_MS, ROOT

_FILES: Final = "- Files in play"
_PASTED: Final = re.compile(r"pasted, [\d,]+ characters:")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation and whether the handoff of its dialogue meets it."""

    dialogue: Dialogue
    expected: Expectation
    met: bool


def view_of(sessions: Iterable[Session], *, until: int | None = None) -> ProjectView:
    """The project view of the sessions, as the ledger returns it; of the last session only the first `until` events."""
    *earlier, last = sessions
    views = []
    for session, events in [*((session, session.events) for session in earlier), (last, last.events[:until])]:
        digest, (first_ms, last_ms) = fold(Digest(), events), (session.started_ms, events[-1].at_ms)
        name, agent = session.id, session.agent
        views.append(SessionView(session=name, agent=agent, started_ms=first_ms, last_ms=last_ms, digest=digest))
    return ProjectView(root=ROOT, sessions=tuple(reversed(views)))


def handed_over(sessions: Sequence[Session], *, until: int | None = None, compacted: bool = False) -> str:
    """The handoff for the next session, empty where there is nothing to hand over; `compacted`: for the last session
    itself. With `until`, that one has only so many events."""
    view = view_of(sessions, until=until)
    now_ms = view.sessions[0].last_ms + MINUTE_MS
    made = distill(view, Facts(), resume="ask", now_ms=now_ms, led_by=sessions[-1].id if compacted else None)
    if made is None:
        return ""
    return render(made, Answering(situation="compacted", now_ms=now_ms) if compacted else None)


def outcomes(made: Dialogue) -> list[Outcome]:
    """Every expectation of the dialogue's handoff, met or not."""
    text = handed_over(made.sessions, compacted=made.compacted)
    found = [(one, _meets(text, one)) for one in made.truth.expectations(len(made.sessions))]
    for word in made.truth.pasted:
        found.append((Expectation("paste", word.mark), is_marked(text, word.mark)))
    found.append((Expectation("lines", ""), 0 < len(text.splitlines()) <= MAX_LINES))
    return [Outcome(made, expected, met) for expected, met in found]


def _meets(text: str, expected: Expectation) -> bool:
    where = text.partition(f"\n## {expected.section}\n")[2].partition("\n## ")[0] if expected.section else text
    return (expected.mark in where) == expected.present


def is_marked(text: str, word: str) -> bool:
    """Whether each quote of the pasted word says before it that it was pasted. Lists of names are no quotes."""
    for quote in text.replace("\n- > ", " ").splitlines():
        place = -1 if quote.startswith(_FILES) else quote.find(word)
        if place >= 0 and not _PASTED.search(quote, 0, place):
            return False
    return True


def rates(found: Iterable[Outcome]) -> dict[str, float]:
    """The share of expectations that are met, by kind."""
    met: dict[str, list[bool]] = defaultdict(list)
    for one in found:
        met[one.expected.kind].append(one.met)
    return {kind: sum(values) / len(values) for kind, values in met.items()}
