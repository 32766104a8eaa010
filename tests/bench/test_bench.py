"""The benchmark itself: what it measures with is the same each time, and it runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bench import cursor as cursor_rows
from bench.corpus import Corpus, make_corpus
from bench.cursor_store import make_cursor_store
from bench.rows import first_read

NOW_MS = 1_700_000_000_000


def test_a_history_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first = _contents(_made(tmp_path / "home", seed=1))
    shutil.rmtree(tmp_path / "home")

    assert _contents(_made(tmp_path / "home", seed=1)) == first


def test_a_history_ends_before_its_time_and_newest_first(tmp_path: Path) -> None:
    corpus = _made(tmp_path / "home", seed=1)
    times_ms = [file.stat().st_mtime_ns // 1_000_000 for file in corpus.files]

    assert times_ms == sorted(times_ms, reverse=True)
    assert times_ms[0] < NOW_MS
    assert corpus.files[0] in corpus.files_of(corpus.projects[0])


def test_a_first_read_is_measured_beside_its_floor(tmp_path: Path) -> None:
    rows = list(first_read(_made(tmp_path / "home", seed=1), tmp_path))

    beside_floor = [row for row in rows if row.ratio is not None]
    assert len(beside_floor) >= 4
    assert all(re.search(r"\d", row.product) and re.search(r"\d", row.floor) for row in beside_floor)


def test_a_database_of_cursor_is_the_same_for_the_same_seed_and_about_as_large_as_asked_for(tmp_path: Path) -> None:
    first, second = (
        make_cursor_store(tmp_path / name, megabytes=3, conversations=4, seed=1) for name in ("one", "two")
    )

    assert first.conversations == second.conversations
    assert first.path.read_bytes() == second.path.read_bytes()
    assert 2_500_000 < first.size < 4_500_000


def test_reading_cursors_database_is_measured_beside_its_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor_rows, "CONVERSATIONS", 3)
    rows = list(cursor_rows.cursor(tmp_path, 2))

    beside_floor = [row for row in rows if row.ratio is not None]
    assert len(beside_floor) == 3
    assert all(re.search(r"\d", row.product) and re.search(r"\d", row.floor) for row in beside_floor)


def _made(home: Path, seed: int) -> Corpus:
    return make_corpus(home, megabytes=0.5, seed=seed, now_ms=NOW_MS)


def _contents(corpus: Corpus) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in corpus.files}
