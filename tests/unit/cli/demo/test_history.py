from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.cli.demo.history import from_history
from carryover.cli.demo.throwaway import ThrowAway
from carryover.cli.from_disk import sources_on_disk
from carryover.config import Config


@pytest.fixture
def place(tmp_path: Path) -> ThrowAway:
    place = ThrowAway(tmp_path)
    place.prepare()
    return place


def test_a_history_that_takes_too_long_is_not_waited_for(
    place: ThrowAway, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(200):
        record = {
            "type": "user",
            "uuid": f"{number:08}-0000-4000-8000-000000000001",
            "sessionId": f"{number:08}-0000-4000-8000-000000000000",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "cwd": f"/home/x/{number}",
            "message": {"role": "user", "content": "word " * 20_000},
        }
        transcript = home / ".claude" / "projects" / f"p-{number}" / f"{record['sessionId']}.jsonl"
        transcript.parent.mkdir(parents=True)
        transcript.write_text(json.dumps(record) + "\n")

    from_history(place, sources_on_disk(Config()), wait_limit_s=0.0)

    assert "the rest was left unread this time.\n" in capsys.readouterr().out


def test_a_history_without_a_task_gives_none(place: ThrowAway, home: Path) -> None:
    empty = home / ".claude" / "projects" / "-home-x" / "00000000-0000-4000-8000-000000000000.jsonl"
    empty.parent.mkdir(parents=True)
    empty.write_text('{"type":"summary","summary":"Old things","leafUuid":"1"}\n')

    assert from_history(place, sources_on_disk(Config())) is None
