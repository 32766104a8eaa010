from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.ledger.queries import Selection
from carryover.publish.forgetting import remove_spooled
from carryover.transcript.spooled import spool_line

NOW_MS = 1_795_000_000_000
SHOP, BLOG = "/home/dev/shop", "/home/dev/blog"
OF_ONE = Selection(agent="windsurf", conversation="one")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Calls of `one` and `two`, which were read, of `new`, which was not, and some that wait."""
    folder = tmp_path / "spool" / "windsurf"
    (folder / "pending").mkdir(parents=True)
    for name, cwd in (("one", SHOP), ("one.transcript", SHOP), ("two", SHOP), ("new", SHOP), ("newer", BLOG)):
        line = spool_line("pre_user_prompt", b'{"user_prompt": "Add a parser"}', at_ms=NOW_MS, cwd=f"{cwd}/")
        assert line is not None
        (folder / f"{name}.jsonl").write_bytes(line)
    for name, cwd, session in (("1", SHOP, "one"), ("2", f"{SHOP}/sub", "other"), ("3", BLOG, "other"), ("4", "", "x")):
        (folder / "pending" / f"{name}.hook").write_text(f'pre_user_prompt\n{cwd}\n{{"trajectory_id": "{session}"}}')
    for path in folder.rglob("*.*"):
        os.utime(path, (NOW_MS / 1000 - 60, NOW_MS / 1000 - 60))
    return folder


ONE = [("windsurf", "one")]
UNREAD = ["1.hook", "2.hook", "3.hook", "4.hook", "new.jsonl", "newer.jsonl"]


@pytest.mark.parametrize(
    ("selection", "conversations", "now_ms", "removed"),
    [
        (OF_ONE, ONE, NOW_MS, ["1.hook", "one.jsonl", "one.transcript.jsonl"]),
        # What was read and is no session of the project stays: the ledger knows better than the folder of a call.
        (Selection(root=SHOP), [], NOW_MS, ["1.hook", "2.hook", "new.jsonl"]),
        (Selection(root=SHOP), [], NOW_MS - 120_000, []),
        (Selection(since_ms=NOW_MS - 10_000), [], NOW_MS, []),
        (Selection(since_ms=NOW_MS - 120_000), [], NOW_MS, UNREAD),
    ],
    ids=["a conversation", "a project", "after the moment of forgetting", "a time after", "a time before"],
)
def test_what_is_selected_goes_with_its_calls_that_wait_and_what_was_never_read(
    spool: Path, selection: Selection, conversations: list[tuple[str, str]], now_ms: int, removed: list[str]
) -> None:
    before = {path.name for path in spool.rglob("*.*")}

    assert remove_spooled(spool.parents[1], selection, conversations, known={"one", "two"}, now_ms=now_ms) == []
    assert sorted(before - {path.name for path in spool.rglob("*.*")}) == removed


def test_with_everything_the_folder_goes(spool: Path) -> None:
    remove_spooled(spool.parents[1], Selection(), [], known=(), now_ms=NOW_MS)

    assert not spool.parent.exists()


def test_nothing_outside_is_followed_or_removed(spool: Path, tmp_path: Path) -> None:
    outside = tmp_path / "one.jsonl"
    outside.write_text("one")
    (spool / "one.more.jsonl").symlink_to(outside)

    remove_spooled(spool.parents[1], OF_ONE, ONE, known={"one"}, now_ms=NOW_MS)

    assert outside.exists() and (spool / "one.more.jsonl").is_symlink()
