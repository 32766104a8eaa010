"""Where transcripts lie and which files are one."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.adapter.contract import Source
from carryover.agents.claude_code.locate import exported

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
