"""Every agent whose transcript grows by lines: how it was cut into reads, torn, truncated or replaced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Agent
from carryover.ingest.sanitize import clean_entry
from carryover.ledger.batch import Entry
from contract.case import Reading, Recording, fold_into, moved, naming, read_on, source_at

LIKE_A_KEY = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"
"""In the form of a token of GitHub; no one's."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A place for copies of transcripts, one after the other."""
    return tmp_path / "transcript"


@given(data=st.data())
def test_any_cut_of_the_file_into_reads_gives_the_events_of_one_read(
    agent: Agent, grown: Sequence[Recording], path: Path, data: st.DataObject
) -> None:
    """The context is stored and read back at each cut, as between two runs of the daemon."""
    recording = data.draw(st.sampled_from(grown))
    content = recording.path.read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), min_size=1, max_size=25)))
    source = moved(source_at(agent, recording), path)
    path.write_bytes(content)
    at_once = read_on(agent, source)
    path.write_bytes(b"")
    reading: Reading | None = None

    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        with path.open("ab") as file:
            file.write(content[start:end])
        reading = read_on(agent, source, reading)

    assert reading is not None
    assert (reading.events, reading.skipped, reading.restarts) == (at_once.events, at_once.skipped, 0)
    assert reading.context == at_once.context


def test_a_project_whose_folder_looks_like_a_key_stays_the_sessions_at_each_cut(
    agent: Agent, grown: Sequence[Recording], path: Path
) -> None:
    """Secrets are taken out of what is stored between two reads; paths and ids are none."""
    for recording in grown:
        source = moved(source_at(agent, recording), path)
        folders = {event.cwd for event in read_on(agent, source_at(agent, recording)).events if event.cwd is not None}
        content = recording.path.read_bytes()
        for folder in sorted(folders, key=len)[:1]:
            content = content.replace(folder.encode(), f"{Path(folder).parent}/{LIKE_A_KEY}".encode())
        path.write_bytes(content)
        records = agent.reader.read(path, None).records

        at_once = fold_into(agent, source, Reading(context=agent.context_type()), records)
        one_by_one = Reading(context=agent.context_type())
        for record in records:
            fold_into(agent, source, one_by_one, [record])

        assert as_stored(agent, one_by_one) == as_stored(agent, at_once), recording


def as_stored(agent: Agent, reading: Reading) -> list[Entry]:
    """Without the count of secrets: those of the context were counted with the event that they came with."""
    return [msgspec.structs.replace(clean_entry(agent.id, event), redacted={}) for event in reading.events]


def test_a_torn_last_line_waits(agent: Agent, grown: Sequence[Recording], path: Path) -> None:
    for recording in grown:
        *complete, last = recording.path.read_bytes().splitlines(keepends=True)
        source = moved(source_at(agent, recording), path)
        with naming(recording):
            path.write_bytes(b"".join(complete) + last[: len(last) // 2])
            reading = read_on(agent, source)
            before = len(reading.events)
            path.write_bytes(b"".join(complete))
            assert len(read_on(agent, source).events) == before
            path.write_bytes(b"".join([*complete, last]))
            assert read_on(agent, source, reading).events == read_on(agent, source).events


def test_a_truncated_file_is_read_again(agent: Agent, grown: Sequence[Recording], path: Path) -> None:
    for recording in grown:
        lines = recording.path.read_bytes().splitlines(keepends=True)
        source = moved(source_at(agent, recording), path)
        path.write_bytes(b"".join(lines))
        whole = read_on(agent, source)

        path.write_bytes(b"".join(lines[: len(lines) // 2]))
        again = read_on(agent, source, Reading(context=whole.context, cursor=whole.cursor))

        assert again.restarts == 1, recording
        assert again.events == read_on(agent, source).events, recording


def test_a_replaced_file_is_read_again(agent: Agent, grown: Sequence[Recording], path: Path) -> None:
    """Its events have the same keys."""
    for recording in grown:
        content = recording.path.read_bytes()
        source = moved(source_at(agent, recording), path)
        path.write_bytes(content)
        whole = read_on(agent, source)

        path.write_bytes(b"\n" + content)
        again = read_on(agent, source, Reading(context=whole.context, cursor=whole.cursor))

        assert again.restarts == 1, recording
        assert keys(again) == keys(whole), recording


def keys(reading: Reading) -> list[str]:
    return [event.key for event in reading.events]
