"""Where transcripts lie and which files are one."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.codex.contract_case import NAME, THREAD
from carryover.adapter.contract import Source
from carryover.agents.codex.adapter import AGENT

HOME = Path("/home/dev")


def test_an_archived_transcript_is_the_same_session_of_the_same_day() -> None:
    root = HOME / ".codex/archived_sessions"
    path = root / NAME

    assert AGENT.source_of(path, root) == Source(agent="codex", path=str(path), session=THREAD, group="2026-11-20")
    assert AGENT.source_of(root / "2026/11/20" / NAME, root) is None


META = b'{"timestamp":"2026-11-20T06:00:00Z","type":"session_meta","payload":{"id":"t","timestamp":"t","cwd":"/x"'


@pytest.mark.parametrize(
    "head",
    [
        META + b"}}\n",
        META + b',"base_instructions":{"text":"' + b"x" * 70_000,
    ],
)
def test_a_rollout_is_known_by_its_first_record(head: bytes) -> None:
    assert AGENT.exported is not None
    assert AGENT.exported(Path("/tmp/saved.txt"), head[: 64 << 10]) == Source(agent="codex", path="/tmp/saved.txt")
