"""The handoff is private and only touched when it says something else."""

from __future__ import annotations

import stat
from pathlib import Path

from carryover.projects.handoff_file import write_handoff
from carryover.redact import CleanText


def test_the_handoff_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".carryover"

    assert write_handoff(folder, CleanText("# [CARRYOVER] größer\n")) is True
    assert (folder / "handoff.md").read_text() == "# [CARRYOVER] größer\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "handoff.md")] == [0o700, 0o600]
    assert [path.name for path in folder.iterdir()] == ["handoff.md"]


def test_a_folder_and_a_handoff_that_are_too_open_are_closed(tmp_path: Path) -> None:
    write_handoff(tmp_path, CleanText("same\n"))
    tmp_path.chmod(0o755)
    (tmp_path / "handoff.md").chmod(0o644)

    write_handoff(tmp_path, CleanText("same\n"))

    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, tmp_path / "handoff.md")] == [0o700, 0o600]
