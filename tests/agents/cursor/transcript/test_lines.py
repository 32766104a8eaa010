"""Reading agent-transcripts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from carryover.agents.cursor.transcript.lines import NOTED, LinesReader

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


def test_only_what_was_added_is_read_again(transcript: Path) -> None:
    reader = LinesReader()
    first = reader.read(transcript, None)

    with transcript.open("ab") as file:
        file.write(b'1}\n{"role": "user"}\n')
    second = reader.read(transcript, first.cursor)

    assert [record.number for record in second.records] == [6, 7]
    assert reader.stamp(transcript).size == transcript.stat().st_size


def test_a_transcript_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LinesReader().read(tmp_path / "x.jsonl", None)
