"""Every agent: records that are damaged, hostile or from a version nobody has seen cost at most themselves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Agent, Record
from carryover.agents import adapters
from carryover.ingest.sanitize import clean_context
from carryover.past.check import checks
from carryover.past.check.damage import HOSTILE, damaged, places, shapes
from contract.case import Case, Reading, Recording, fold_into, fold_one, moved, naming, read_on, source_at
from support.by_day import one_in


def checked(reading: Reading) -> Reading:
    """Whatever came of it can be stored and says where it belongs."""
    assert [*checks.of_stored(reading)] == []
    return reading


@cache
def records_of(agent_id: str, recording: Recording) -> list[bytes]:
    batch = adapters()[agent_id].reader.read(recording.path, None)
    return [record.data for record in batch.records]


def test_a_line_nobody_can_read_is_counted_and_nothing_more(agent: Agent, case: Case) -> None:
    assert [*checks.of_hostile(agent, source_at(agent, case.recordings[0]))] == []


@pytest.mark.hypothesis
def test_a_part_that_is_missing_or_of_another_type_raises_nothing(agent: Agent, case: Case) -> None:
    """Each part of each kind of record in every recording is tried with one in 18 of the other types: with a sixth in
    the tests of the night, and with all in `make fuzz`."""
    seen = set()
    known: set[str] | None = set() if settings().derandomize else None
    step = one_in(6)
    for recording in case.recordings:
        source = source_at(agent, recording)
        context = agent.context_type()
        for number, data in enumerate(records_of(agent.id, recording), 1):
            value = json.loads(data)
            shape = str(shapes(value))
            if shape not in seen:
                seen.add(shape)
                for other in islice(damaged(value, known), number % step, None, step):
                    checked(fold_one(agent, source, other, context))
            context, _ = agent.parse(source, context, Record(number=number, data=data))
    assert seen


LONG_CHARS: Final = 30_000


def test_no_text_of_a_record_is_remembered_whatever_its_length(agent: Agent, case: Case) -> None:
    """What is remembered is stored again with each read."""
    seen: set[str] = set()
    for recording in case.recordings:
        source = source_at(agent, recording)
        context = agent.context_type()
        for number, data in enumerate(records_of(agent.id, recording), 1):
            value = json.loads(data)
            before = len(clean_context(context))
            for container, place, way in places(value):
                kept = container[place]
                if isinstance(kept, str) and way not in seen:
                    seen.add(way)
                    container[place] = f"{kept}{'x' * LONG_CHARS}"
                    record = Record(number=number, data=json.dumps(value).encode())
                    remembered, _ = agent.parse(source, context, record)
                    assert len(clean_context(remembered)) - before < LONG_CHARS, way
                    container[place] = kept
            context, _ = agent.parse(source, context, Record(number=number, data=data))
    assert seen


def test_reasons_repeat_nothing_of_the_content(agent: Agent, case: Case) -> None:
    """Counts and reasons are shown and logged, so no words of the user may get into them."""
    source = source_at(agent, case.recordings[0])
    words = "words of the user"
    counted = 0
    for data in (*case.unknown, *case.not_typed, *case.quiet):
        value = json.loads(data)
        for container, place, _ in places(value):
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


MAX_BATCHES = 200
DAMAGE = st.tuples(st.integers(0, 1 << 30), st.integers(0, 600), st.binary(max_size=40))
"""Where, modulo the size, how many bytes are replaced, and what by."""


def readable_parts(agent: Agent, recording: Recording, path: Path) -> Reading:
    """What is read of the file at `path`, batch by batch; an OSError ends it."""
    source = moved(source_at(agent, recording), path)
    reading = Reading(context=agent.context_type())
    for _ in range(MAX_BATCHES):
        try:
            batch = agent.reader.read(path, reading.cursor)
        except OSError:
            return reading
        fold_into(agent, source, reading, batch.records)
        reading.cursor = batch.cursor
        if not batch.more:
            return reading
    raise AssertionError("the reader comes to no end")


def copy_of(recording: Recording, folder: Path) -> Path:
    """The recording with everything beside it, at the same place below `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(recording.root, folder, symlinks=True)
    return folder / recording.path.relative_to(recording.root)


@given(data=st.data(), changes=st.lists(DAMAGE, min_size=1, max_size=6), kept=st.none() | st.floats(0, 1))
def test_any_damage_to_the_bytes_of_a_source_is_an_os_error_at_most(
    agent: Agent,
    case: Case,
    data: st.DataObject,
    changes: list[tuple[int, int, bytes]],
    kept: float | None,
    tmp_path: Path,
) -> None:
    recording = data.draw(st.sampled_from(case.recordings))
    path = copy_of(recording, tmp_path / "copy")
    content = path.read_bytes()
    for at, length, other in changes:
        start = at % (len(content) + 1)
        content = content[:start] + other + content[start + length :]
    path.write_bytes(content if kept is None else content[: int(kept * len(content))])

    checked(readable_parts(agent, recording, path))


def test_what_is_no_file_is_an_os_error(agent: Agent, case: Case, tmp_path: Path) -> None:
    """Nothing, a link that leads nowhere, and a folder."""
    path = copy_of(case.recordings[0], tmp_path / "copy")
    path.unlink()
    with pytest.raises(OSError):
        agent.reader.read(path, None)
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError):
        agent.reader.read(path, None)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError):
        agent.reader.read(path, None)


CORPUS: Final = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").iterdir())}


def test_a_record_of_these_bytes_costs_at_most_itself(agent: Agent, case: Case) -> None:
    source = source_at(agent, case.recordings[0])
    for name, content in CORPUS.items():
        with naming(name):
            checked(fold_one(agent, source, content))


def test_a_source_of_these_bytes_is_read_or_is_an_os_error(agent: Agent, case: Case, tmp_path: Path) -> None:
    path = copy_of(case.recordings[0], tmp_path / "copy")
    whole = path.read_bytes()
    step = one_in(3)
    for number, (name, content) in enumerate(CORPUS.items()):
        for before in (b"", whole[:100], whole)[number % step :: step]:
            path.write_bytes(before + content)
            with naming(name):
                checked(readable_parts(agent, case.recordings[0], path))
