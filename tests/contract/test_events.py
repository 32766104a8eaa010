"""Every agent: what its recordings become."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath, PureWindowsPath
from typing import get_args

import msgspec
import pytest

from carryover.adapter.contract import Agent
from carryover.model import AnyBody, Event, FileEdit, SessionInfo, ToolResult, UserPrompt
from contract.case import Case, Recording, fold_one, read_on, source_at

START_OF_2020_MS = 1_577_836_800_000
MAX_CONTEXT_BYTES = 64 << 10


def is_absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def typed(events: list[Event]) -> list[UserPrompt]:
    return [event.body for event in events if isinstance(event.body, UserPrompt) and event.body.actor == "human"]


def test_the_same_bytes_become_the_same_events(agent: Agent, recording: Recording) -> None:
    source = source_at(agent, recording)

    assert read_on(agent, source) == read_on(agent, source)


def test_a_recording_is_understood_whole(agent: Agent, recording: Recording) -> None:
    """What a client of a known version wrote leaves nothing to count."""
    reading = read_on(agent, source_at(agent, recording))

    assert reading.skipped == []
    assert reading.events


def test_each_event_says_when_and_in_which_session(agent: Agent, recording: Recording) -> None:
    for event in read_on(agent, source_at(agent, recording)).events:
        assert event.at_ms > START_OF_2020_MS
        assert event.session
        assert isinstance(event.body, get_args(AnyBody))


def test_paths_are_absolute(agent: Agent, recording: Recording) -> None:
    for event in read_on(agent, source_at(agent, recording)).events:
        assert event.cwd is None or is_absolute(event.cwd)
        if isinstance(event.body, FileEdit):
            assert is_absolute(event.body.path)
            assert event.body.old_path is None or is_absolute(event.body.old_path)


def test_keys_tell_the_events_of_a_source_apart(agent: Agent, recording: Recording) -> None:
    events = read_on(agent, source_at(agent, recording)).events

    assert [key for key, count in Counter(event.key for event in events).items() if count > 1] == []


def test_twins_tell_the_events_of_a_source_apart(agent: Agent, recording: Recording) -> None:
    """A second identity must not swallow what happened twice."""
    events = read_on(agent, source_at(agent, recording)).events

    assert [
        secondary_key
        for secondary_key, count in Counter(e.secondary_key for e in events if e.secondary_key).items()
        if count > 1
    ] == []


def test_results_belong_to_a_call_of_the_same_source(agent: Agent, recording: Recording) -> None:
    for event in read_on(agent, source_at(agent, recording)).events:
        if isinstance(event.body, ToolResult):
            assert event.body.name


def test_events_survive_being_stored(agent: Agent, recording: Recording) -> None:
    events = read_on(agent, source_at(agent, recording)).events

    assert msgspec.json.decode(msgspec.json.encode(events), type=list[Event]) == events


def test_the_context_stays_small(agent: Agent, recording: Recording) -> None:
    reading = read_on(agent, source_at(agent, recording))

    assert len(msgspec.json.encode(reading.context)) < MAX_CONTEXT_BYTES


def test_what_a_sub_agent_is_told_was_typed_by_nobody(agent: Agent, recording: Recording) -> None:
    events = read_on(agent, source_at(agent, recording)).events

    assert typed([event for event in events if event.subagent_id is not None]) == []


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
