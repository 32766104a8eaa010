"""Every agent whose transcript grows by lines: how it was cut into reads, torn, truncated or replaced."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Agent
from carryover.ingest.sanitize import clean_entry
from carryover.ledger.batch import Entry
from carryover.model import Event
from contract.case import Reading, Recording, fold_into, moved, read_on, source_at

LIKE_A_KEY = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"
"""In the form of a token of GitHub; no one's."""
LONG_AGO_S = 1_780_000_000


@pytest.mark.hypothesis
def test_any_cut_of_the_file_into_reads_gives_the_events_of_one_read(
    agent: Agent, grown: Recording, tmp_path: Path
) -> None:
    """The context is stored and read back at each cut, as between two runs of the daemon."""
    content = grown.path.read_bytes()
    path = tmp_path / "transcript"
    source = moved(source_at(agent, grown), path)
    path.write_bytes(content)
    at_once = read_on(agent, source)

    @settings(max_examples=12, deadline=None)
    @example(cuts=[0])
    @given(cuts=st.lists(st.integers(0, len(content)), min_size=1, max_size=25))
    def cut_anywhere(cuts: list[int]) -> None:
        path.write_bytes(b"")
        reading: Reading | None = None
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(content)], strict=True):
            with path.open("ab") as file:
                file.write(content[start:end])
            reading = read_on(agent, source, reading)
        assert reading is not None
        assert (reading.events, reading.skipped, reading.restarts) == (at_once.events, at_once.skipped, 0)
        assert reading.context == at_once.context

    cut_anywhere()


def test_a_project_whose_folder_looks_like_a_key_stays_the_sessions_at_each_cut(
    agent: Agent, grown: Recording, tmp_path: Path
) -> None:
    """Secrets are taken out of what is stored between two reads; paths and ids are none."""
    source = moved(source_at(agent, grown), tmp_path / "transcript")
    folders = {event.cwd for event in read_on(agent, source_at(agent, grown)).events if event.cwd is not None}
    content = grown.path.read_bytes()
    for folder in sorted(folders, key=len)[:1]:
        content = content.replace(folder.encode(), f"{Path(folder).parent}/{LIKE_A_KEY}".encode())
    Path(source.path).write_bytes(content)
    batch = agent.reader.read(Path(source.path), None)

    at_once = fold_into(agent, source, Reading(context=agent.context_type()), batch.records)
    one_by_one = Reading(context=agent.context_type())
    for record in batch.records:
        fold_into(agent, source, one_by_one, [record])

    assert [as_stored(agent, event) for event in one_by_one.events] == [
        as_stored(agent, event) for event in at_once.events
    ]


def as_stored(agent: Agent, event: Event) -> Entry:
    """Without the count of secrets: those of the context were counted with the event that they came with."""
    return msgspec.structs.replace(clean_entry(agent.id, event), redacted={})


def test_reading_again_from_the_beginning_gives_the_same_keys(agent: Agent, grown: Recording) -> None:
    source = source_at(agent, grown)

    once = [event.key for event in read_on(agent, source).events]

    assert [event.key for event in read_on(agent, source).events] == once


def test_a_torn_last_line_waits(agent: Agent, grown: Recording, tmp_path: Path) -> None:
    *complete, last = grown.path.read_bytes().splitlines(keepends=True)
    path = tmp_path / "transcript"
    source = moved(source_at(agent, grown), path)

    path.write_bytes(b"".join(complete) + last[: len(last) // 2])
    reading = read_on(agent, source)
    before = len(reading.events)
    path.write_bytes(b"".join(complete))
    assert len(read_on(agent, source).events) == before
    path.write_bytes(b"".join([*complete, last]))
    assert read_on(agent, source, reading).events == read_on(agent, source).events


def test_each_line_may_end_only_when_the_next_one_is_written(agent: Agent, grown: Recording, tmp_path: Path) -> None:
    """Each is taken after a rest, also the last one, and once."""
    first, *others = grown.path.read_bytes().splitlines()
    path = tmp_path / "transcript"
    source = moved(source_at(agent, grown), path)
    at_once = read_on(agent, source_at(agent, grown))
    path.touch()
    reading: Reading | None = None

    for added in (first, *(b"\n" + line for line in others), b"\n"):
        with path.open("ab") as file:
            file.write(added)
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
        last = len(reading.events) if reading is not None else 0
        reading = read_on(agent, source, reading)

    assert reading is not None
    assert (len(reading.events), reading.restarts) == (last, 0), "the newline at the end is no line"
    assert [event.key for event in reading.events] == [event.key for event in at_once.events]
    assert reading.skipped == at_once.skipped


def test_a_truncated_file_is_read_again(agent: Agent, grown: Recording, tmp_path: Path) -> None:
    lines = grown.path.read_bytes().splitlines(keepends=True)
    path = tmp_path / "transcript"
    source = moved(source_at(agent, grown), path)
    path.write_bytes(b"".join(lines))
    whole = read_on(agent, source)

    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    again = read_on(agent, source, Reading(context=whole.context, cursor=whole.cursor))

    assert again.restarts == 1
    assert again.events == read_on(agent, source).events


def test_a_replaced_file_is_read_again(agent: Agent, grown: Recording, tmp_path: Path) -> None:
    lines = grown.path.read_bytes().splitlines(keepends=True)
    path = tmp_path / "transcript"
    source = moved(source_at(agent, grown), path)
    path.write_bytes(b"".join(lines))
    whole = read_on(agent, source)

    path.write_bytes(b"\n" + b"".join(lines))
    again = read_on(agent, source, Reading(context=whole.context, cursor=whole.cursor))

    assert again.restarts == 1
    assert [event.key for event in again.events] == [event.key for event in whole.events]
