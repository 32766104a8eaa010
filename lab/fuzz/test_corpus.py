"""Bytes that broke a promise once, or reach what is easily got wrong: each target keeps its promise for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.guided import CORPUS
from fuzz.target import names, target

_MOST_BYTES = 4_000


@pytest.mark.parametrize("name", names())
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


def test_every_folder_is_of_a_target() -> None:
    assert sorted(folder.name for folder in CORPUS.iterdir()) == names()
