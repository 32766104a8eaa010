"""A file that the user names to `carryover import`: read, or refused with a sentence; nothing is stored by looking."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from carryover.actions.importing import survey_file
from carryover.errors import UserError
from carryover.importing.candidate import Candidate
from fuzz.bytes import chosen
from unit.importing import test_any_document

LARGEST: Final = 6_000
_LONG_AGO_S: Final = 1_700_000_000
NAMES: Final = ("a.md", "a.json", "a.jsonl", "a.txt", "a.db", "state.vscdb", "a.vscdb", "store.db")
AGENTS: Final = (None, "claude-code", "codex", "cursor", "gemini-cli", "opencode", "copilot", "windsurf", "aider")


def check(data: bytes, folder: Path) -> None:
    name, rest = chosen(data, NAMES)
    agent, content = chosen(rest, AGENTS)
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (_LONG_AGO_S, _LONG_AGO_S))  # what was written just now may not be complete
    first = _imported(path, agent)
    assert first == _imported(path, agent)
    assert sorted(each.name for each in folder.iterdir()) == [name]
    path.unlink()


def _imported(path: Path, agent: str | None) -> tuple[int, int, str]:
    try:
        _, report = survey_file(Candidate(path, project=str(path.parent), agent_id=agent))
    except UserError as error:
        assert str(error)
        return 0, 0, str(error)
    assert report.events >= report.prompts >= 0
    return report.events, report.prompts, ""


def seeds() -> Iterable[bytes]:
    for chat in test_any_document.CHATS:
        for agent in (0, 3):
            yield bytes([0, agent]) + chat.encode()[: LARGEST - 2]
    yield b"\1\0" + test_any_document.TRAJECTORY.encode()
    yield b"\1\0" + test_any_document.NOTE
    for path in test_any_document.TRANSCRIPTS:
        if path.stat().st_size < LARGEST and f"a{path.suffix}" in NAMES:
            yield bytes([NAMES.index(f"a{path.suffix}"), 0]) + path.read_bytes()
