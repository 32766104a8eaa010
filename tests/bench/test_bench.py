"""The benchmark itself: what it measures with is the same each time, and it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.corpus import Corpus, make_corpus

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


def _made(home: Path, seed: int) -> Corpus:
    return make_corpus(home, megabytes=0.5, seed=seed, now_ms=NOW_MS)


def _contents(corpus: Corpus) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in corpus.files}
