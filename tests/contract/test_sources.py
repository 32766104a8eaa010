"""Every agent: which files are its transcripts."""

from __future__ import annotations

from pathlib import Path

from carryover.adapter.contract import Agent
from contract.case import Case, source_at


def test_each_recording_is_found_once_and_known_by_its_name(agent: Agent, case: Case) -> None:
    for root in {recording.root for recording in case.recordings}:
        sources = agent.sources(root)
        paths = [source.path for source in sources]
        assert len(paths) == len(set(paths))
        for recording in (each for each in case.recordings if each.root == root):
            source = source_at(agent, recording)
            assert source in sources
            assert (source.agent, source.path) == (agent.id, str(recording.path))


def test_other_files_are_no_source(agent: Agent, case: Case, tmp_path: Path) -> None:
    for name in case.strangers:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert agent.source_of(path, tmp_path) is None, name

    assert agent.sources(tmp_path) == []


def test_a_path_elsewhere_is_no_source(agent: Agent, case: Case, tmp_path: Path) -> None:
    assert agent.source_of(case.recordings[0].path, tmp_path) is None
