"""Reading a legacy `.txt` transcript while it grows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agents.cursor.chats import ID, ONE, PROJECT, SLUG, START_MS, TWO, Told, legacy
from carryover.agents.cursor.talk import fold as talk_fold
from carryover.agents.cursor.transcript import text_reader
from carryover.agents.cursor.transcript.text_reader import TextReader
from carryover.model import AssistantMessage, FileEdit, ToolResult, Undone, UserPrompt


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "projects" / SLUG / "agent-transcripts"
    folder.mkdir(parents=True)
    return folder / f"{ID}.txt"


def write(path: Path, text: str, at_ms: int = START_MS) -> None:
    path.write_text(text)
    os.utime(path, ns=(0, at_ms * 1_000_000))


def told(path: Path) -> Told:
    return Told(TextReader(), talk_fold.fold, path)


def counting(chat: Told) -> list[object]:
    """What still counts of what was told."""
    undone = {key for event in chat.events if isinstance(event.body, Undone) for key in event.body.keys}
    return [e.body for e in chat.events if e.key not in undone and not isinstance(e.body, Undone)]


def test_a_transcript_is_told_in_its_order(path: Path) -> None:
    write(path, legacy((*ONE, *TWO)))
    chat = told(path)
    found = chat.read()

    assert found[:2] == [UserPrompt(text=ONE[0].text), AssistantMessage(text=ONE[1].text)]
    assert [(b.status, b.exit_code) for b in found if isinstance(b, ToolResult)] == [
        ("ok", None),
        ("error", 1),
        ("ok", None),
        ("error", None),
    ]
    assert [body.path for body in found if isinstance(body, FileEdit)] == [
        f"{PROJECT}/src/calc.py",
        f"{PROJECT}/src/sub.py",
    ]
    assert chat.skipped == []
    assert chat.events[-1].cwd == PROJECT
    assert chat.events[0].at_ms == START_MS


def test_however_it_grew_the_same_counts_in_the_end(path: Path) -> None:
    text = legacy((*ONE, *TWO))
    write(path, text)
    at_once = told(path)
    at_once.read()
    chat = told(path)
    for end in range(0, len(text) + 40, 40):
        write(path, text[:end], START_MS + end)
        chat.read()

    assert counting(chat) == counting(at_once)
    assert {e.key for e in at_once.events} <= {e.key for e in chat.events}
    assert len({event.key for event in chat.events}) == len(chat.events)


def test_whole_blocks_that_are_added_take_nothing_back(path: Path) -> None:
    write(path, legacy(ONE))
    chat = told(path)
    chat.read()
    write(path, legacy((*ONE, *TWO)))

    assert not any(isinstance(body, Undone) for body in chat.read())
    assert chat.read() == []


def test_a_rewritten_document_takes_back_what_it_no_longer_says(path: Path) -> None:
    write(path, legacy((*ONE, *TWO)))
    chat = told(path)
    chat.read()
    write(path, legacy(TWO))
    chat.read()

    assert [body.text for body in counting(chat) if isinstance(body, UserPrompt)] == [TWO[0].text]


def test_a_long_document_comes_in_batches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, legacy((*ONE, *TWO)))
    whole = told(path)
    whole.read()
    monkeypatch.setattr(text_reader, "READ_MESSAGES", 2)
    chat = told(path)

    assert chat.reader.read(path, None).more
    chat.read()
    assert chat.events == whole.events


def test_a_document_too_long_to_hold_is_passed_by_once(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(9 << 20)
    chat = told(path)

    assert chat.read() == []
    chat.read()
    assert chat.oversized == 1


def test_a_missing_file_is_told_apart(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        TextReader().read(path, None)


def test_any_bytes_are_read(path: Path) -> None:
    path.write_bytes(b"user:\n\xff\xfe\x00\nassistant:\n\xf0\x9f[Tool call] \x00\n")
    chat = told(path)
    chat.read()

    assert isinstance(chat.events[0].body, UserPrompt)
    assert all(json.loads(record.data) for record in chat.records)
    chat.cursor = b"?"
    chat.read()
    assert chat.restarts == 1
