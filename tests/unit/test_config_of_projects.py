"""The settings of many projects are found in one look at all of them, and no silent disk holds up the others."""

from __future__ import annotations

import _thread
from pathlib import Path
from typing import Any

import pytest

from carryover.config import Config, settings_of_each
from carryover.probe.looks import DISKS, presume_silent


def test_one_thread_reads_the_settings_of_all_projects_and_passes_by_a_silent_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [tmp_path / name for name in ("shop", "remote", "blog", "shop")]
    for root in roots:
        root.mkdir(exist_ok=True)
        (root / ".carryover.toml").write_text("exclude = true\n" if root.name == "blog" else "")
    started: list[object] = []
    start = _thread.start_new_thread

    def noted(*given: Any) -> int:
        started.append(given)
        return start(*given)

    monkeypatch.setattr(_thread, "start_new_thread", noted)
    presume_silent([str(tmp_path / "remote")])

    excluded = [settings.excluded for settings in settings_of_each(roots, Config())]
    DISKS.silent.pop(tmp_path / "remote")

    silent = "its disk, which does not answer"
    assert excluded == [None, silent, "the project's own .carryover.toml", None]
    assert len(started) == 1
