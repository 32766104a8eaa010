from __future__ import annotations

import pytest

from carryover.config import RetentionConfig
from carryover.ledger.queries import SessionSize
from carryover.model import NOTE
from carryover.publish.forgetting import sessions_to_drop

DAY_MS = 86_400_000
NOW_MS = 1_000 * DAY_MS
MB = 1_000_000


def session(name: str, project: int | None, days_ago: float | None, size_mb: int = 1) -> SessionSize:
    """A session whose last event was `days_ago`; None: at an unknown time."""
    last_ms = 0 if days_ago is None else NOW_MS - round(days_ago * DAY_MS)
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
    note = SessionSize(agent=NOTE, native_id="note-1", project_id=2, last_ms=NOW_MS - 300 * DAY_MS, bytes=MB)

    found = sessions_to_drop([*SESSIONS, note], RetentionConfig(max_age_days=90), used_bytes=0, now_ms=NOW_MS)

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
    found = sessions_to_drop(SESSIONS, limits, used_bytes=used_mb * MB, now_ms=NOW_MS)

    assert [one.native_id for one in found] == dropped
