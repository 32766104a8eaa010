"""What grows with the history: a size that was measured with these sources is not measured again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import growth as module
from bench.growth import Size, growth


def test_a_run_continues_with_the_sizes_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def measure(top: Path, megabytes: int) -> Size:
        if megabytes == 200 and measured == [20]:
            measured.append(200)
            raise KeyboardInterrupt
        measured.append(megabytes)
        return Size(megabytes, f"run {len(measured)}", {"written_mb": megabytes + 0.5, "files": 1234.0})

    monkeypatch.setattr(module, "measured", measure)
    with pytest.raises(KeyboardInterrupt):
        growth(tmp_path, (20, 200), tmp_path / "cache")

    lines = growth(tmp_path, (20, 200), tmp_path / "cache").splitlines()

    assert measured == [20, 200, 200]
    assert lines[2:4] == ["| history | 20.5 MB | 200 MB |  |", "| the same: files | 1,234 | 1,234 |  |"]
    assert lines[-2:] == ["- 20 MB: run 1", "- 200 MB: run 3"]


def test_other_sources_are_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def measure(_: Path, megabytes: int) -> Size:
        measured.append(megabytes)
        return Size(megabytes, "", {})

    monkeypatch.setattr(module, "measured", measure)
    for digest in ("00000000", "00000000", "11111111"):
        monkeypatch.setattr(module, "source_digest", lambda digest=digest: digest)
        growth(tmp_path, (20,), tmp_path / "cache")

    assert measured == [20, 20]
