"""Which files are Cursor's sources, and what kind each is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from carryover.agents.cursor.locate import NOTED, LinesReader, kind_of, source_of

HOME = Path("/home/dev")
USER = HOME / ".config/Cursor/User"
ID = "0b8f4a52-5d57-4a27-9be2-3f1de9b3c001"
TRANSCRIPTS = "home-dev-demo/agent-transcripts"


@pytest.mark.parametrize(
    ("root", "below", "kind", "session", "subagent_id", "rank"),
    [
        (USER / "globalStorage", "state.vscdb", "editor", None, None, 3),
        (HOME / ".cursor/chats", f"1f/{ID}/store.db", "chat", ID, None, 2),
        (HOME / ".cursor/projects", f"{TRANSCRIPTS}/{ID}/{ID}.jsonl", "transcript", ID, None, 1),
        (HOME / ".cursor/projects", f"{TRANSCRIPTS}/{ID}.jsonl", "transcript", ID, None, 1),
        (HOME / ".cursor-server/projects", f"{TRANSCRIPTS}/{ID}/subagents/c1.jsonl", "transcript", ID, "c1", 1),
        (HOME / ".cursor/projects", f"empty-window/agent-transcripts/{ID}/{ID}.jsonl", "transcript", ID, None, -1),
    ],
)
def test_a_source_is_known_by_its_place(
    root: Path, below: str, kind: str, session: str | None, subagent_id: str | None, rank: int
) -> None:
    found = source_of(root / below, root)

    assert found is not None
    assert (found.path, found.session, found.subagent_id, found.rank) == (str(root / below), session, subagent_id, rank)
    assert kind_of(root / below) == kind


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_change_beside_a_database_is_one_of_the_database(suffix: str) -> None:
    for root, below in (
        (USER / "globalStorage", "state.vscdb"),
        (HOME / ".cursor/chats", f"1f/{ID}/store.db"),
    ):
        assert source_of(root / f"{below}{suffix}", root) == source_of(root / below, root) is not None


AT_MS = 1_772_442_000_123


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"role": "user"}\n  { "role": "assistant"}\n{}\nno json\n[1]\n{"torn": ')
    os.utime(path, ns=(0, AT_MS * 1_000_000))
    return path


def test_each_object_says_when_the_file_was_last_written(transcript: Path) -> None:
    batch = LinesReader().read(transcript, None)

    assert [json.loads(record.data) for record in batch.records[:2]] == [
        {NOTED: AT_MS, "role": "user"},
        {NOTED: AT_MS, "role": "assistant"},
    ]
    assert [record.data for record in batch.records[2:]] == [b"{}", b"no json", b"[1]"]
    assert [record.number for record in batch.records] == [1, 2, 3, 4, 5]
