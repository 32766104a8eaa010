from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pytest

from carryover.adapter.spooled import spool_line
from carryover.config import RetentionConfig
from carryover.ledger.queries import Selection, SessionSize
from carryover.model import NOTE
from carryover.publish.forgetting import remove_spooled, sessions_to_drop

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


def removed(
    spool: Path, selection: Selection, conversations: Collection[tuple[str, str]] = (), *, now_ms: int = NOW_MS
) -> list[str]:
    before = {path.name for path in spool.rglob("*.*")}
    assert remove_spooled(spool.parents[1], [selection], conversations, known={"one", "two"}, now_ms=now_ms) == []
    return sorted(before - {path.name for path in spool.rglob("*.*")})


def test_a_conversation_goes_with_its_calls_that_wait(spool: Path) -> None:
    assert removed(spool, OF_ONE, [("windsurf", "one")]) == ["1.hook", "one.jsonl", "one.transcript.jsonl"]


def test_of_a_project_also_goes_what_was_never_read(spool: Path) -> None:
    """What was read and is no session of the project stays: the ledger knows better than the folder of a call."""
    assert removed(spool, Selection(root=SHOP)) == ["1.hook", "2.hook", "new.jsonl"]


def test_of_a_time_goes_what_came_then_and_was_never_read(spool: Path) -> None:
    unread = ["1.hook", "2.hook", "3.hook", "4.hook", "new.jsonl", "newer.jsonl"]

    assert removed(spool, Selection(since_ms=NOW_MS - 10_000)) == []
    assert removed(spool, Selection(since_ms=NOW_MS - 120_000)) == unread


def test_a_call_after_the_moment_of_forgetting_stays(spool: Path) -> None:
    assert removed(spool, Selection(root=SHOP), now_ms=NOW_MS - 120_000) == []


def test_with_everything_the_folder_goes(spool: Path) -> None:
    remove_spooled(spool.parents[1], [Selection()], [], known=(), now_ms=NOW_MS)

    assert not spool.parent.exists()


def test_nothing_outside_is_followed_or_removed(spool: Path, tmp_path: Path) -> None:
    outside = tmp_path / "one.jsonl"
    outside.write_text("one")
    (spool / "one.more.jsonl").symlink_to(outside)

    assert "one.more.jsonl" not in removed(spool, OF_ONE, [("windsurf", "one")])
    assert outside.exists()


DAY_MS = 86_400_000
A_NOW_MS = 1_000 * DAY_MS
MB = 1_000_000


def session(name: str, project: int | None, days_ago: float | None, size_mb: int = 1) -> SessionSize:
    """A session whose last event was `days_ago`; None: at an unknown time."""
    last_ms = 0 if days_ago is None else A_NOW_MS - round(days_ago * DAY_MS)
    return SessionSize(agent="made-up", native_id=name, project_id=project, last_ms=last_ms, bytes=size_mb * MB)


SESSIONS = [
    session("new", 1, 1),
    session("old", 1, 40),
    session("older", 1, 50, 4),
    session("only one", 2, 400),
    session("nowhere", None, 31),
    session("some time", 1, None),
]


def test_a_note_does_not_make_the_newest_session_of_a_project_droppable() -> None:
    note = SessionSize(agent=NOTE, native_id="note-1", project_id=2, last_ms=A_NOW_MS - 300 * DAY_MS, bytes=MB)

    found = sessions_to_drop([*SESSIONS, note], RetentionConfig(max_age_days=90), used_bytes=0, now_ms=A_NOW_MS)

    assert [one.native_id for one in found] == ["note-1"]


@pytest.mark.parametrize(
    ("limits", "used_mb", "dropped"),
    [
        (RetentionConfig(), 900, []),
        (RetentionConfig(max_age_days=30), 900, ["older", "old", "nowhere"]),
        (RetentionConfig(max_age_days=31), 900, ["older", "old"]),
        (RetentionConfig(max_age_days=45), 900, ["older"]),
        (RetentionConfig(max_size_mb=10), 10, []),
        (RetentionConfig(max_size_mb=10), 11, ["some time"]),
        (RetentionConfig(max_size_mb=10), 15, ["some time", "older"]),
        (RetentionConfig(max_size_mb=10), 900, ["some time", "older", "old", "nowhere"]),
        (RetentionConfig(max_age_days=45, max_size_mb=10), 12, ["some time", "older"]),
    ],
)
def test_the_oldest_sessions_go_and_the_newest_of_each_project_stays(
    limits: RetentionConfig, used_mb: int, dropped: list[str]
) -> None:
    found = sessions_to_drop(SESSIONS, limits, used_bytes=used_mb * MB, now_ms=A_NOW_MS)

    assert [one.native_id for one in found] == dropped
