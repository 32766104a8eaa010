"""Every agent's transcripts, copied to any folder: `carryover import` knows whose they are and reads the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.facts import ProjectRoot
from carryover.importing.candidate import Candidate, OpenedDocument
from carryover.importing.document import open_document
from carryover.ledger.queries import sessions
from carryover.model import Event, FileEdit, UserPrompt
from carryover.past.from_disk import temporary_ledger
from carryover.past.session import OpenedSession, session_document
from contract.case import Case, Recording, naming, read_on, source_at
from support.by_day import one_in
from support.json_schema import atif_violations

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


def keys(document: OpenedDocument) -> list[str]:
    return [event.key for event in read_on(document.agent, document.source).events]


@pytest.fixture
def agent(agent: Agent) -> Agent:
    if agent.exported is None:
        pytest.skip(f"{agent.id} recognises no copies")
    return agent


def test_a_copy_that_lacks_only_its_last_newline_is_whole(
    agent: Agent, grown: Sequence[Recording], tmp_path: Path
) -> None:
    """Also when it was copied just now."""
    for number, recording in enumerate(grown):
        with naming(recording):
            copy = copied(recording, tmp_path / f"backup {number}" / recording.path.name)
            whole = keys(open_document(Candidate(copy)))
            copy.write_bytes(copy.read_bytes().rstrip(b"\n"))

            document = open_document(Candidate(copy))

            assert document.agent.id == agent.id
            assert keys(document) == whole


def test_a_copy_is_recognised_and_says_the_same(agent: Agent, case: Case, tmp_path: Path) -> None:
    """By whatever name."""
    in_place = case.in_place
    for number, recording in enumerate(case.recordings):
        with naming(recording):
            if recording in in_place:
                backup = tmp_path / f"backup {number}"
                shutil.copytree(recording.root.parent, backup, symlinks=True)
                copies = [backup / recording.path.relative_to(recording.root.parent)]
            else:
                names = (recording.path.name, f"Copy_1{recording.path.suffix or '.md'}")
                copies = [copied(recording, tmp_path / f"backup {number} {at}" / name) for at, name in enumerate(names)]
            original = said(read_on(agent, source_at(agent, recording)).events)
            for copy in copies:
                document = open_document(Candidate(copy))

                assert document.agent.id == agent.id
                assert said(read_on(document.agent, document.source).events) == original


def _read(agent: Agent, recording: Recording) -> tuple[Agent, Source]:
    """How a recording is read; one that belongs into a project is imported."""
    if not agent.in_projects:
        return agent, source_at(agent, recording)
    document = open_document(Candidate(recording.path, project="/home/dev/shop"))
    return document.agent, document.source


def trajectories(agent: Agent, source: Source) -> dict[str, str]:
    """The trajectories of all sessions in this source, by session, for other tools."""
    with temporary_ledger([source], {agent.id: agent}, find_root=ProjectRoot) as ledger:
        rows = sessions(ledger, limit=100)
        return {row.native_id: session_document(OpenedSession(ledger, row), "atif", full=True) for row in rows}


def test_a_trajectory_is_valid(agent: Agent, case: Case) -> None:
    for recording in case.recordings[: 4 // one_in(4)]:
        with naming(recording):
            exported = trajectories(*_read(agent, recording))
            assert exported
            for text in exported.values():
                assert atif_violations(json.loads(text)) == []
