"""Every agent: what its recordings become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath, PureWindowsPath
from typing import get_args

import msgspec
import pytest

from carryover.adapter.contract import Agent
from carryover.agents import adapters
from carryover.model import AnyBody, Event, FileEdit, SessionInfo, ToolResult, UserPrompt
from contract.case import Case, Reading, Recording, fold_one, read_on, source_at

START_OF_2020_MS = 1_577_836_800_000
MAX_CONTEXT_BYTES = 64 << 10


def is_absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def typed(events: list[Event]) -> list[UserPrompt]:
    return [event.body for event in events if isinstance(event.body, UserPrompt) and event.body.actor == "human"]


def twice(keys: Iterable[str | None]) -> list[str]:
    return [key for key, count in Counter(keys).items() if key and count > 1]


@pytest.fixture
def readings(agent: Agent, case: Case) -> dict[str, Reading]:
    """What each recording becomes; it is read once for all tests."""
    return {str(recording): _reading_of(agent.id, recording) for recording in case.recordings}


@cache
def _reading_of(agent_id: str, recording: Recording) -> Reading:
    agent = adapters()[agent_id]
    return read_on(agent, source_at(agent, recording))


def test_a_recording_is_understood_whole(readings: dict[str, Reading]) -> None:
    """What a client of a known version wrote leaves nothing to count."""
    assert {name: reading.skipped for name, reading in readings.items() if reading.skipped} == {}
    assert [name for name, reading in readings.items() if not reading.events] == []


def test_each_event_says_when_and_in_which_session(readings: dict[str, Reading]) -> None:
    for name, reading in readings.items():
        for event in reading.events:
            assert event.at_ms > START_OF_2020_MS, name
            assert event.session, name
            assert isinstance(event.body, get_args(AnyBody)), name


def test_paths_are_absolute(readings: dict[str, Reading]) -> None:
    for name, reading in readings.items():
        for event in reading.events:
            assert event.cwd is None or is_absolute(event.cwd), name
            if isinstance(event.body, FileEdit):
                assert is_absolute(event.body.path), name
                assert event.body.old_path is None or is_absolute(event.body.old_path), name


def test_keys_tell_the_events_of_a_source_apart(readings: dict[str, Reading]) -> None:
    """So does the second identity, which must not swallow what happened twice."""
    for name, reading in readings.items():
        assert twice(event.key for event in reading.events) == [], name
        assert twice(event.secondary_key for event in reading.events) == [], name


def test_results_belong_to_a_call_of_the_same_source(readings: dict[str, Reading]) -> None:
    for name, reading in readings.items():
        assert all(event.body.name for event in reading.events if isinstance(event.body, ToolResult)), name


def test_the_context_stays_small(readings: dict[str, Reading]) -> None:
    for name, reading in readings.items():
        assert len(msgspec.json.encode(reading.context)) < MAX_CONTEXT_BYTES, name


def test_what_a_sub_agent_is_told_was_typed_by_nobody(readings: dict[str, Reading]) -> None:
    for name, reading in readings.items():
        assert typed([event for event in reading.events if event.subagent_id is not None]) == [], name


def test_what_the_client_injects_was_typed_by_nobody(agent: Agent, case: Case) -> None:
    source = source_at(agent, case.recordings[0])
    for data in case.not_typed:
        assert typed(fold_one(agent, source, data).events) == [], data


def test_unknown_kinds_of_records_are_counted(agent: Agent, case: Case) -> None:
    source = source_at(agent, case.recordings[0])
    for data in case.unknown:
        reading = fold_one(agent, source, data)
        assert (reading.events, len(reading.skipped)) == ([], 1), data


def test_records_that_hold_nothing_for_us_are_not_counted(agent: Agent, case: Case) -> None:
    source = source_at(agent, case.recordings[0])
    for data in case.quiet:
        reading = fold_one(agent, source, data)
        assert (reading.events, reading.skipped) == ([], []), data


def test_a_fork_shares_the_keys_of_the_history_it_repeats(agent: Agent, case: Case) -> None:
    if case.fork is None:
        pytest.skip(f"{agent.id} has no recording of a fork")
    parent, fork = (read_on(agent, source_at(agent, recording)).events for recording in case.fork)
    repeated = {event.key: event.body for event in parent} & {event.key: event.body for event in fork}.keys()

    assert {e.session for e in parent}.isdisjoint(e.session for e in fork)
    history = [e for e in parent if not isinstance(e.body, SessionInfo) and e.key in repeated]
    assert {event.key: event.body for event in history} == {e.key: e.body for e in fork if e.key in repeated}
    assert len(history) > len(fork) / 2
