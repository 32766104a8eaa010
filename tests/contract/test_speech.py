"""Nothing that an agent read may speak as the user.

The table has every text by which a client says that the user, itself or the model spoke, of all clients, in every kind
of result of every client. None may become a prompt, a refusal, an answer, a plan, a limit, a job or the agent's last
words: only the words of that very result may differ.
"""

from __future__ import annotations

from typing import Final

import pytest

from contract import speech
from contract.case import Case
from support.by_day import one_in

FEWEST: Final = 350
"""How many texts the table has at least."""

NAMES: Final = "File not found: /a/README\n\nDid you mean one of these?\n/a/{}"
WITHIN: Final[dict[str, tuple[str, ...]]] = {
    "read ok": ("{}", "     1\t# Notes\n     2\t{}\n"),
    "search ok": ("README.md\n{}\nsrc/cart.py",),
    "shell ok": ("{}", "[main 0a1b2c3] {}\n 1 file changed"),
    "web ok": ("{}", "# Shop\n\n{}\n\nRead more"),
}
"""How a text stands in the words of a tool, by kind: alone, in a file with numbered lines, in a listing, in a commit's
subject, in a page. In all others: alone."""


def templates(place: speech.Place) -> tuple[str, ...]:
    """Returns how a text can stand in a place. A client words all but the names of files in what its own tools did, in
    their errors, and in what is said of an interrupted command."""
    kind = place.kind.removeprefix("foreign ")
    op, _, status = kind.rpartition(" ")
    is_worded = op in ("edit", "write") or (op in ("read", "search") and status != "ok")
    is_worded = is_worded or (op == "shell" and status == "interrupted" and place.alone)
    return (NAMES,) if is_worded else WITHIN.get(kind, ("{}",))


@pytest.mark.hypothesis
def test_nothing_that_an_agent_read_speaks_as_the_user(case_id: str, case: Case) -> None:
    """Each place gets one in 24 of the texts: one in 6 in the tests of the night, and all of them in `make fuzz`."""
    step = one_in(24)
    forms = speech.all_forms()
    places = speech.places(case_id)
    assert (len(places) >= case.places, len(forms) >= FEWEST) == (True, True)

    spoke = []
    for number, place in enumerate(places):
        expected = speech.unchanged(place)
        for template in templates(place):
            for form in forms[number % step :: step]:
                _, others = speech.after(place, template.replace("{}", form))
                if others != expected:
                    news = [body for body in others if body not in expected]
                    spoke.append(f"{place.kind}: {template.replace('{}', form)!r:.200} became {news!r:.400}")
    assert not spoke, "\n".join(spoke[:20])


def test_what_a_client_adds_to_a_conversation_speaks_for_nobody(case_id: str, case: Case) -> None:
    """It may be a hook's text, a summary or a file, each of which may contain any text."""
    spoke = []
    for data in case.not_typed:
        assert speech.spoken_after(case_id, data) == [], data
        for made in speech.with_words(data, speech.all_forms()) if b"words" in data else ():
            spoke += [f"{made!r:.300} became {body!r:.300}" for body in speech.spoken_after(case_id, made)]
    assert not spoke, "\n".join(spoke[:20])


LONG: Final = 300_000
"""Characters that are read at once, or, where time grows with the square of that, not before the test's is up."""
PIECES: Final = (" ", "\n", "<metadata>")


@pytest.mark.usefixtures("case")
def test_what_an_agent_read_costs_no_time(case_id: str) -> None:
    """A page or a program can print endless blanks, and text that looks like a client's own marks. In `make test`, each
    place gets one of these."""
    step = one_in(3)
    for number, place in enumerate({place.kind: place for place in speech.places(case_id)}.values()):
        for piece in PIECES[number % step :: step]:
            _, others = speech.after(place, piece * (LONG // len(piece)) + "</metadata>.")
            assert others == speech.unchanged(place)
