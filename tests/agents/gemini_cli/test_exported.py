"""Conversations that lie in any folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents.gemini_cli.contract_case import documents, recordings
from carryover.adapter.contract import Source
from carryover.agents.gemini_cli.adapter import AGENT
from contract.case import Recording, read_on, source_at

HEAD_BYTES = 64 << 10


def recognised(path: Path) -> Source | None:
    assert AGENT.exported is not None
    return AGENT.exported(path, path.read_bytes()[:HEAD_BYTES])


@pytest.mark.parametrize("found", [*documents(), *recordings()], ids=str)
def test_a_copied_conversation_is_recognised_and_read_as_in_its_place(found: Recording, tmp_path: Path) -> None:
    path = tmp_path / f"my chat{found.path.suffix}"
    shutil.copy(found.path, path)
    source = recognised(path)

    assert source is not None
    original = read_on(AGENT, source_at(AGENT, found)).events
    assert [event.body for event in read_on(AGENT, source).events] == [event.body for event in original]


def test_a_compact_document_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        '\ufeff{"sessionId":"a","projectHash":"%s","startTime":"2026-01-30T06:08:50Z","messages":[]}' % ("0" * 64)
    )

    assert recognised(path) is not None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{}"),
        ("a.json", "[]"),
        ("a.json", '{"messages": [{"sessionId": "a", "projectHash": "b", "startTime": "c"}]}'),
        ("a.jsonl", '{"type": "user"}\n{"sessionId": "a", "projectHash": "b"}'),
        ("a.md", '{"sessionId": "a"}'),
        ("a.json", ""),
    ],
)
def test_other_files_are_not(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)

    assert recognised(path) is None
