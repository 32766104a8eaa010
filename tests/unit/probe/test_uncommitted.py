from __future__ import annotations

from pathlib import Path

import pytest

from carryover.probe.git_diff import OwnWrites
from carryover.probe.uncommitted import LARGEST_BYTES, MOST_DIFFS, uncommitted
from support.repository import git, repository

NOTHING = OwnWrites()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", {"cart.py": "total = 0\n", "*.py": "x = 1\n", "old.py": "y\n"})


def test_each_changed_file_comes_with_its_diff(shop: Path) -> None:
    (shop / "cart.py").write_text("total = 1\n")
    (shop / "*.py").write_text("x = 2\n")
    (shop / "old.py").unlink()
    (shop / "staged.py").write_text("z = 1\n")
    git(shop, "add", "staged.py")

    found = {file.path: file for file in uncommitted(shop, own=NOTHING)}

    assert list(found) == ["*.py", "cart.py", "old.py", "staged.py"]
    assert "-total = 0\n+total = 1\n" in found["cart.py"].diff
    assert "+x = 2\n" in found["*.py"].diff
    assert "total" not in found["*.py"].diff
    assert (found["old.py"].diff, found["old.py"].deletions, found["old.py"].gone) == ("", 1, True)
    assert [file.path for file in found.values() if file.new] == ["staged.py"]


def test_what_carryover_wrote_itself_is_no_change(shop: Path) -> None:
    (shop / "cart.py").write_text("total = 0\nours\n")

    assert uncommitted(shop, own=OwnWrites(without={"cart.py": lambda data: data.replace(b"ours\n", b"")})) == []


def test_text_that_is_hidden_too_large_or_binary_is_not_read(shop: Path) -> None:
    (shop / "cart.py").write_text("total = 'secret'\n")
    (shop / "*.py").write_text("x" * (LARGEST_BYTES + 1))
    (shop / "old.py").write_bytes(b"\0\1")

    found = uncommitted(shop, own=NOTHING, hidden=lambda path: path == "cart.py")

    assert [(file.path, file.diff) for file in found] == [("*.py", ""), ("cart.py", ""), ("old.py", "")]


def test_of_many_files_the_first_come_with_their_text(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", {f"{number:03}.py": "x\n" for number in range(MOST_DIFFS + 3)})
    for path in root.glob("*.py"):
        path.write_text("y\n")

    found = uncommitted(root, own=NOTHING, timeout_s=60.0)

    assert len(found) == MOST_DIFFS + 3
    assert [bool(file.diff) for file in found] == [True] * MOST_DIFFS + [False] * 3


def test_no_program_that_the_repository_names_is_run(shop: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (shop / ".gitattributes").write_text("*.py diff=evil filter=evil\n")
    for key in ("diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "core.fsmonitor"):
        git(shop, "config", key, f"touch {mark}; cat")
    (shop / "cart.py").write_text("total = 1\n")

    assert "+total = 1\n" in {file.path: file.diff for file in uncommitted(shop, own=NOTHING)}["cart.py"]
    assert not mark.exists()


def test_without_a_commit_or_a_repository_there_is_nothing_to_differ_from(tmp_path: Path) -> None:
    assert uncommitted(tmp_path, own=NOTHING) == []
    assert uncommitted(repository(tmp_path / "empty"), own=NOTHING) == []


def test_an_answer_that_does_not_come_in_time_is_none(shop: Path) -> None:
    (shop / "cart.py").write_text("total = 1\n")

    assert uncommitted(shop, own=NOTHING, timeout_s=0.0) == []
