"""Every agent's transcripts, copied to any folder: `carryover import` knows whose they are and reads the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent
from carryover.importing.document import open_document
from carryover.model import Event, FileEdit, UserPrompt
from contract.case import Case, Recording, read_on, source_at

BESIDE = ("", "-wal", "-shm")
"""What belongs to a database, after its name."""


def said(events: list[Event]) -> list[object]:
    """The prompts and the names of the changed files, in their order: folders of a copy may be others."""
    told = [event.body for event in events if isinstance(event.body, UserPrompt | FileEdit)]
    return [body.text if isinstance(body, UserPrompt) else Path(body.path).name for body in told]


def copied(recording: Recording, path: Path) -> Path:
    path.parent.mkdir(parents=True)
    for end in BESIDE:
        if Path(f"{recording.path}{end}").exists():
            shutil.copyfile(f"{recording.path}{end}", f"{path}{end}")
    return path


def test_a_copy_that_lacks_only_its_last_newline_is_whole(agent: Agent, grown: Recording, tmp_path: Path) -> None:
    """Also when it was copied just now."""
    if agent.exported is None:
        pytest.skip(f"{agent.id} recognises no copies")
    copy = copied(grown, tmp_path / "backup" / grown.path.name)
    document = open_document(copy)
    whole = read_on(document.agent, document.source)
    copy.write_bytes(copy.read_bytes().rstrip(b"\n"))

    document = open_document(copy)

    assert document.agent.id == agent.id
    assert [event.key for event in read_on(document.agent, document.source).events] == [
        event.key for event in whole.events
    ]


@pytest.mark.parametrize("name", ["as it was", "another"])
def test_a_copy_is_recognised_and_says_the_same(
    agent: Agent, case: Case, recording: Recording, name: str, tmp_path: Path
) -> None:
    if agent.exported is None:
        pytest.skip(f"{agent.id} recognises no copies")
    if any(recording.path.match(pattern) for pattern in case.in_place_only):
        copy = tmp_path / "backup" / recording.path.relative_to(recording.root.parent)
        shutil.copytree(recording.root.parent, tmp_path / "backup", symlinks=True)
    else:
        file_name = recording.path.name if name == "as it was" else f"Copy_1{recording.path.suffix or '.md'}"
        copy = copied(recording, tmp_path / "backup" / file_name)

    document = open_document(copy)

    assert document.agent.id == agent.id
    assert said(read_on(document.agent, document.source).events) == said(
        read_on(agent, source_at(agent, recording)).events
    )
