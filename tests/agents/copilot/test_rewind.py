"""A log that `/rewind` replaced, in the ledger: what was taken back no longer counts, and the rest counts once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from agents.copilot.reading import begun
from agents.copilot.session import CopilotSession
from carryover.agents.copilot.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.events import session_events
from carryover.ledger.queries import connect_read_only, session_by_prefix
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, UserPrompt

NOW_MS: Final = 1_900_000_000_000
ANSWERS: Final = [f"Answer {number}." for number in range(1_300)]
"""More than two reads of a log."""


class Recorded:
    """A session and the ledger that it is read into."""

    def __init__(self, folder: Path) -> None:
        self.session: CopilotSession = begun(folder)
        self._path = folder / "ledger.sqlite"

    async def counted(self) -> list[tuple[str | None, str]]:
        """Reads what is new: then the words that count, each with its sub-agent."""
        source = AGENT.source_of(self.session.path, self.session.home / "session-state")
        assert source is not None
        ledger = await Ledger.open(self._path, DigestReducer())
        try:
            result = await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: NOW_MS)
            assert result.error is None
        finally:
            await ledger.close()
        with closing(connect_read_only(self._path)) as db:
            return [
                (event.subagent_id, event.body.text)
                for event in session_events(db, session_by_prefix(db, self.session.session))
                if not event.retracted and isinstance(event.body, UserPrompt | AssistantMessage)
            ]

    def rewind(self, kept: list[bytes]) -> None:
        """As the client does it: a new file takes the place of the old one."""
        fresh = self.session.path.with_suffix(".new")
        fresh.write_bytes(b"".join(kept))
        fresh.rename(self.session.path)
        self.session.record("session.info", infoType="rewind", message="Rewound the conversation.")

    def lines(self) -> list[bytes]:
        """What the log holds now."""
        return self.session.path.read_bytes().splitlines(keepends=True)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


@pytest.mark.parametrize("answers", [ANSWERS[:2], ANSWERS], ids=["short", "long"])
async def test_what_was_taken_back_does_not_count_and_the_rest_counts_once(
    recorded: Recorded, answers: list[str]
) -> None:
    for answer in answers:
        recorded.session.say(answer)
    kept = recorded.lines()
    recorded.session.prompt("Undone.")
    recorded.session.record("user.message", agent="a1", content="List the tests.", source="agent-x")
    recorded.session.say("Undone too.")
    before = await recorded.counted()
    recorded.rewind(kept)
    recorded.session.prompt("Now the plum.")
    after = await recorded.counted()

    left = [(None, "Fix the price."), *((None, answer) for answer in answers)]
    assert sorted(before, key=str) == sorted(
        [*left, (None, "Undone."), ("a1", "List the tests."), (None, "Undone too.")], key=str
    )
    assert after == [*left, (None, "Now the plum.")]
