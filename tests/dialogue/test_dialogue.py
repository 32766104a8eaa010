"""Handoffs say things in their place through ordinary talk: answers, errands, pastes, limits, changes of agent.

`PYTHONPATH=tests python -m dialogue` prints the rates by kind and language, and with `--show SEED` one dialogue with
its handoff.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import msgspec
import pytest
from msgspec.structs import replace

from carryover.distill.digest import Digest
from carryover.distill.fold import fold
from carryover.distill.render import MAX_LINES
from carryover.model import AnyBody, AssistantMessage, Event, FileEdit, ToolResult, UserPrompt
from dialogue.checks import handed_over, outcomes, rates
from dialogue.scenario import LANGUAGES, dialogue
from support.conversation import ROOT

SEEDS: Final = range(320)
LEAST: Final = {
    **dict.fromkeys(("protocol", "lines"), 1),
    **dict.fromkeys(("rule", "far rule", "order", "question", "answered"), 0.995),
    "goal": 0.98,
    "new goal": 0.965,
    "paste": 0.935,
}
"""The share of dialogues, in all and in each language, by what must be in its place."""
WITHIN_A_LANGUAGE: Final = 0.06
"""As much less may a single language reach, with an eighth of the dialogues."""

SAMPLE: Final = range(1000, 1024)
MOST_BYTES: Final = 96_000


@pytest.mark.night
def test_things_are_said_in_their_place_and_in_every_language() -> None:
    """One test, since measuring takes longer than all that is asked of it."""
    measured = [one for seed in SEEDS for one in outcomes(dialogue(seed))]
    found = rates(measured)
    languages = {name: rates(one for one in measured if one.dialogue.language == name) for name in LANGUAGES}

    assert {kind: found[kind] for kind in LEAST if found[kind] < LEAST[kind]} == {}
    assert [
        (name, kind, rate)
        for name, rates_there in languages.items()
        for kind, rate in rates_there.items()
        if rate < LEAST[kind] - WITHIN_A_LANGUAGE
    ] == []


@pytest.mark.parametrize("seed", SAMPLE[::2])
def test_a_digest_that_is_stored_after_each_event_is_that_of_all_events(seed: int) -> None:
    for session in dialogue(seed).sessions:
        stored = list(accumulate(session.events, _fold_and_store, initial=Digest()))

        assert stored == list(accumulate(session.events, lambda digest, event: fold(digest, [event]), initial=Digest()))


def _fold_and_store(digest: Digest, event: Event) -> Digest:
    return msgspec.json.decode(msgspec.json.encode(fold(digest, [event])), type=Digest)


@pytest.mark.parametrize("seed", SAMPLE[::12])
def test_a_handoff_can_be_made_after_every_event(seed: int) -> None:
    sessions = dialogue(seed).sessions
    for until in range(1, len(sessions[-1].events) + 1):
        assert 0 < len(handed_over(sessions, until=until).splitlines()) <= MAX_LINES


@pytest.mark.night
def test_a_handoff_costs_the_same_after_ten_turns_and_after_three_thousand() -> None:
    """What it is made of is bounded in turns and in bytes."""
    sizes = {}
    digest = Digest()
    for number, bodies in enumerate(_turns(3_000), start=1):
        for place, body in enumerate(bodies):
            event = Event(key=f"{number}:{place}", session="s1", at_ms=number * 60_000 + place, body=body)
            digest = fold(digest, [event])
        if number in (10, 1_000, 3_000):
            sizes[number] = len(msgspec.json.encode(digest))

    assert max(sizes.values()) <= MOST_BYTES
    assert sizes[3_000] <= 1.1 * sizes[1_000]


def _turns(count: int) -> Iterator[list[AnyBody]]:
    """Every tenth turn leaves something of every kind; the others are short, as most are."""
    for number in range(count):
        name = f"part_{number}"
        if number % 10:
            yield [UserPrompt(text="Go on."), AssistantMessage(text="Done.", final=True)]
            continue
        result = ToolResult(
            call_id=name, name="Bash", op="shell", status="error", subject=f"make {name}", output="error: no"
        )
        report = (
            f"It failed because `{name}_old` is locked. Going through `{name}_new` was a dead end. Next I will move "
        )
        yield [
            UserPrompt(text=f"Add a test for `{name}`. Never touch `{name}_old`."),
            FileEdit(path=f"{ROOT}/src/{name}.py", change="modify"),
            replace(result, output=f"error: no {name}"),
            AssistantMessage(text=f"{report}`{name}_next`. Should I delete `{name}_gone`?", final=True),
        ]
