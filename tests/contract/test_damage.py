"""Every agent: records that are damaged, hostile or from a version nobody has seen cost at most themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import cycle
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Agent, Record
from carryover.agents import adapters
from carryover.model import Event
from contract.case import Case, Reading, Recording, fold_one, moved, naming, read_on, source_at
from contract.damage import HOSTILE, damaged, places, shapes


def checked(reading: Reading) -> Reading:
    """Whatever came of it can be stored and says where it belongs."""
    for event in reading.events:
        assert event.at_ms > 0
        assert event.session
    assert msgspec.json.decode(msgspec.json.encode(reading.events), type=list[Event]) == reading.events
    assert all(skipped.reason for skipped in reading.skipped)
    return reading


@cache
def records_of(agent_id: str, recording: Recording) -> list[bytes]:
    batch = adapters()[agent_id].reader.read(recording.path, None)
    return [record.data for record in batch.records]


def test_a_line_nobody_can_read_is_counted_and_nothing_more(agent: Agent, case: Case) -> None:
    source = source_at(agent, case.recordings[0])
    for name, line in HOSTILE.items():
        with naming(name):
            reading = checked(fold_one(agent, source, line))
            assert (reading.events, len(reading.skipped)) == ([], 1)


@pytest.mark.hypothesis
def test_a_part_that_is_missing_or_of_another_type_raises_nothing(agent: Agent, case: Case) -> None:
    """Each kind of record of every recording, each of its parts, a third of the other types; `make fuzz` tries all."""
    seen = set()
    known: set[str] | None = set() if settings().derandomize else None
    for recording in case.recordings:
        source = source_at(agent, recording)
        context = agent.context_type()
        for number, data in enumerate(records_of(agent.id, recording), 1):
            value = json.loads(data)
            shape = str(shapes(value))
            if shape not in seen:
                seen.add(shape)
                for other in damaged(value, known):
                    checked(fold_one(agent, source, other, context))
            context, _ = agent.parse(source, context, Record(number=number, data=data))
    assert seen


def test_reasons_repeat_nothing_of_the_content(agent: Agent, case: Case) -> None:
    """Counts and reasons are shown and logged, so no words of the user may get into them."""
    source = source_at(agent, case.recordings[0])
    words = "words of the user"
    counted = 0
    for data in (*case.unknown, *case.not_typed, *case.quiet):
        value = json.loads(data)
        for container, place in places(value):
            kept = container[place]
            for other in (words, [words], {words: words}):
                container[place] = other
                skipped = fold_one(agent, source, json.dumps(value).encode()).skipped
                counted += len(skipped)
                assert words not in repr(skipped)
            container[place] = kept
    assert counted


@given(data=st.binary(max_size=400))
def test_any_bytes_raise_nothing(agent: Agent, case: Case, data: bytes) -> None:
    checked(fold_one(agent, source_at(agent, case.recordings[0]), data))


def test_bad_lines_between_good_ones_cost_only_themselves(
    agent: Agent, grown: Sequence[Recording], tmp_path: Path
) -> None:
    noise = [data for data in HOSTILE.values() if b"\n" not in data and len(data) < 1000]
    for recording in grown:
        source = moved(source_at(agent, recording), tmp_path / "transcript")
        lines = recording.path.read_bytes().splitlines(keepends=True)
        with naming(recording):
            Path(source.path).write_bytes(b"".join(lines))
            clean = read_on(agent, source)
            Path(source.path).write_bytes(b"".join(line + bad + b"\n" for line, bad in zip(lines, cycle(noise))))
            noisy = read_on(agent, source)
            assert noisy.events == clean.events
            assert len(noisy.skipped) == len(lines)
