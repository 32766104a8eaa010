"""Where transcripts lie and which files are one."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.claude_code.contract_case import SESSION, SLUG
from carryover.adapter.contract import Source
from carryover.agents.claude_code.locate import exported, source_of

MESSAGE = b'{"type":"user","uuid":"u","sessionId":"s","message":{"role":"user","content":"x"}}\n'


@pytest.mark.parametrize(
    "head",
    [
        MESSAGE,
        b'{"type":"summary","summary":"x"}\nnot JSON\n' + MESSAGE,
        b'{"parentUuid":null,"isSidechain":false,"type":"user","message":{"role":"user","content":"' + b"x" * 70_000,
        b'{"type":"queue-operation","operation":"enqueue","timestamp":"t","sessionId":"s","content":"' + b"x" * 70_000,
    ],
)
def test_a_transcript_is_known_by_what_is_in_it(head: bytes) -> None:
    assert exported(Path("/tmp/saved.txt"), head[: 64 << 10]) == Source(agent="claude-code", path="/tmp/saved.txt")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b'{"type":"summary","summary":"x"}\n',
        b'{"type":"user","message":{"role":"user","content":"x"}}\n',
        b'{"type":"assistant","uuid":"u","sessionId":"s","message":{"role":"user"}}\n',
        b'{"type":"user","uuid":1,"sessionId":"s","message":"x"}\n[1]\nnull\n',
    ],
)
def test_what_only_resembles_one_is_none(head: bytes) -> None:
    assert exported(Path("/tmp/saved.jsonl"), head) is None


def test_a_copy_that_kept_its_place_below_a_folder_is_the_session_it_was() -> None:
    path = Path("/backup/projects") / SLUG / (SESSION % 4) / "subagents" / "agent-ae84.jsonl"

    assert exported(path, MESSAGE) == source_of(path, Path("/backup/projects"))
