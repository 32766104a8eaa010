"""Every agent with sources that are rewritten: in which states they were read makes no difference in the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Agent
from carryover.model import Event, PlanUpdate, Retracted, SessionInfo
from contract.case import Reading, Stages, read_on, source_at


def standing(events: Iterable[Event]) -> list[bytes]:
    """What counts in the end, in whatever order it came: keys aside, and with the last of what replaces itself."""
    known = {event.key: event for event in reversed(list(events))}
    undone = {key for event in known.values() if isinstance(event.body, Retracted) for key in event.body.keys}
    left = [event for key, event in known.items() if key not in undone and not isinstance(event.body, Retracted)]
    lasting = [event for event in left if not isinstance(event.body, SessionInfo | PlanUpdate)]
    plans = {event.session: event for event in reversed(left) if isinstance(event.body, PlanUpdate)}
    stripped = [msgspec.structs.replace(event, key="") for event in lasting]
    return sorted(map(msgspec.json.encode, [*stripped, *(event.body for event in plans.values())]))


def read_at(agent: Agent, stages: Stages, chosen: Iterable[bool]) -> Reading:
    """Read the chosen states, one reader going on from the other, and always the last."""
    reading: Reading | None = None
    wanted = iter(chosen)
    with tempfile.TemporaryDirectory() as folder:
        for recording in stages(Path(folder)):
            if next(wanted, False):
                reading = read_on(agent, source_at(agent, recording), reading)
        return read_on(agent, source_at(agent, recording), reading)


@pytest.mark.hypothesis
def test_the_states_in_which_a_source_was_read_make_no_difference(agent: Agent, stages: Stages) -> None:
    at_once = read_at(agent, stages, [])
    assert at_once.events

    @settings(max_examples=12, deadline=None)
    @given(chosen=st.lists(st.booleans(), max_size=20))
    def in_any_states(chosen: list[bool]) -> None:
        reading = read_at(agent, stages, chosen)
        assert standing(reading.events) == standing(at_once.events)
        assert (reading.skipped, reading.restarts) == (at_once.skipped, 0)

    in_any_states()


def test_a_source_that_did_not_change_gives_nothing_new(agent: Agent, stages: Stages) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for recording in stages(Path(folder)):
            reading = read_on(agent, source_at(agent, recording))
            before = len(reading.events)
            again = read_on(agent, source_at(agent, recording), reading)
            assert len(again.events) == before
            assert not again.skipped
