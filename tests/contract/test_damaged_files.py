"""Every agent: a source whose bytes are damaged gives what can be read of it, or an OSError, and never more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Agent
from contract.case import Case, Reading, Recording, fold_into, moved, source_at
from contract.test_damage import checked

MAX_BATCHES = 200
DAMAGE = st.tuples(st.integers(0, 1 << 30), st.integers(0, 600), st.binary(max_size=40))
"""Where, modulo the size, how many bytes are replaced, and what by."""
FUZZED = settings(max_examples=30, deadline=None)


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


@FUZZED
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


@pytest.mark.parametrize("kind", ["folder", "dangling link", "missing"])
def test_what_is_no_file_is_an_os_error(agent: Agent, case: Case, kind: str, tmp_path: Path) -> None:
    path = copy_of(case.recordings[0], tmp_path / "copy")
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")

    with pytest.raises(OSError):
        agent.reader.read(path, None)
