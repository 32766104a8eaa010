from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent
from carryover.agents import adapters
from carryover.daemon.hook_paths import Transcript
from carryover.daemon.siblings import MOST, changed_siblings
from carryover.ingest.catch_up import RACY_MS

AT_MS = 1_795_155_000_000


@pytest.fixture
def agent() -> Agent:
    return adapters()["claude-code"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "projects" / "-home-dev-shop"
    folder.mkdir(parents=True)
    return folder


def written(folder: Path, number: int, at_ms: int) -> str:
    path = folder / f"c0de0000-0000-4000-8000-{number:012}.jsonl"
    path.touch()
    os.utime(path, ns=(at_ms * 1_000_000, at_ms * 1_000_000))
    return str(path)


def transcript(agent: Agent, folder: Path, number: int) -> Transcript:
    root = folder.parent
    source = agent.source_of(folder / f"c0de0000-0000-4000-8000-{number:012}.jsonl", root)
    assert source is not None
    return Transcript(source, root)


def test_what_changed_since_the_last_sweep_is_found_newest_first(agent: Agent, folder: Path) -> None:
    written(folder, 1, AT_MS - RACY_MS - 1)
    racy, later, latest = (written(folder, n, AT_MS + n) for n in (2, 4, 6))
    os.utime(racy, ns=((AT_MS - RACY_MS) * 1_000_000,) * 2)
    (folder / "notes.txt").touch()
    (folder / "c0de0000-0000-4000-8000-000000000099.jsonl").symlink_to(latest)

    found = changed_siblings(agent, transcript(agent, folder, 9), since_ms=AT_MS)

    assert [source.path for source in found] == [latest, later, racy]


def test_before_the_first_sweep_anything_may_be_new(agent: Agent, folder: Path) -> None:
    old = written(folder, 1, 1000)
    assert [source.path for source in changed_siblings(agent, transcript(agent, folder, 2), since_ms=None)] == [old]


def test_another_folders_transcripts_are_not_looked_at(agent: Agent, folder: Path) -> None:
    other = folder.with_name("-home-dev-blog")
    other.mkdir()
    written(other, 1, AT_MS)
    assert changed_siblings(agent, transcript(agent, folder, 2), since_ms=None) == []


def test_of_very_many_the_newest_are_taken(agent: Agent, folder: Path) -> None:
    paths = [written(folder, n, AT_MS + n) for n in range(MOST + 5)]
    found = changed_siblings(agent, transcript(agent, folder, 0), since_ms=None)
    assert [source.path for source in found] == paths[: -MOST - 1 : -1]


def test_a_folder_that_does_not_exist_yet_holds_nothing(agent: Agent, folder: Path) -> None:
    folder.rmdir()
    assert changed_siblings(agent, transcript(agent, folder, 1), since_ms=None) == []
