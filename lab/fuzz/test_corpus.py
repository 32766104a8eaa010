"""Bytes that broke a promise once, or reach what is easily got wrong: each target keeps its promise for all of them.

The reader of each agent is a target by its own name: an agent without one, or without files to begin with, fails here.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from carryover.agents import adapters
from fuzz.guided import CORPUS, names_like
from fuzz.target import names, target

_MOST_BYTES = 4_000
_MOST_SEEDS = 3


@pytest.mark.parametrize("name", [name for name in names() if "." not in name or (CORPUS / name).exists()])
def test_a_target_keeps_its_promise_for_its_corpus(name: str, tmp_path: Path) -> None:
    given = sorted((CORPUS / name).iterdir())
    chosen = target(name)
    for path in given:
        data = path.read_bytes()
        assert len(data) <= min(chosen.largest, _MOST_BYTES), path
        try:
            chosen.check(data, tmp_path)
        except Exception as error:
            error.add_note(f"for {path}")
            raise
    assert given


@pytest.mark.parametrize("agent_id", adapters())
def test_the_reader_of_each_agent_is_given_bytes_by_name_and_begins_with_its_recordings(
    agent_id: str, tmp_path: Path
) -> None:
    chosen = target(f"agent_files.{agent_id}")
    seeds = list(islice(chosen.seeds(), _MOST_SEEDS))

    assert chosen.name in names_like(agent_id)
    assert seeds
    for seed in seeds:
        chosen.check(seed, tmp_path)
        chosen.check(seed[: len(seed) // 2], tmp_path)


def test_every_folder_is_of_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} <= {*names()}
