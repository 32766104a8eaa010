"""Every agent: what was forgotten does not come back when its transcripts are read again, whatever times they give."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from carryover.adapter.contract import Agent
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.codec import decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import Selection
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, ToolCall, UserPrompt, conversation_of
from carryover.transcript.by_kind import ReaderByKind
from contract.case import Case, Recording, source_at

LATER_MS = 1_900_000_000_000
LONG_TEXT = 16
_BODIES = """SELECT body FROM event JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id
    WHERE native_id LIKE ? || '%'"""


async def read(ledger: Ledger, agent: Agent, recordings: Iterable[Recording]) -> int:
    """How many events were new."""
    new_events = 0
    for recording in recordings:
        result = await ingest(ledger, agent, source_at(agent, recording), root_of=ProjectRoot, now_ms=lambda: LATER_MS)
        assert result.error is None
        new_events += result.new_events
    return new_events


def texts(path: Path, conversation: str = "") -> set[bytes]:
    """What was said, and the commands that were run, as JSON holds them; in sessions whose id begins like that."""
    with closing(connect_read_only(path)) as db:
        bodies = [decode_body(body) for (body,) in db.execute(_BODIES, (conversation,))]
    said = {body.text for body in bodies if isinstance(body, UserPrompt | AssistantMessage)}
    said |= {body.subject for body in bodies if isinstance(body, ToolCall) and body.op == "shell"}
    return {msgspec.json.encode(text)[1:-1] for text in said if len(text) >= LONG_TEXT}


def contexts(path: Path) -> bytes:
    with closing(connect_read_only(path)) as db:
        return b"".join(context for (context,) in db.execute("SELECT context FROM source"))


@pytest.fixture
def agent(agent: Agent) -> Agent:
    """Recordings are tracked by git, so in a project they are nobody's own: here they are read all the same."""
    reader = agent.reader
    return replace(agent, reader=ReaderByKind(lambda _: "any", {"any": reader}))


@pytest.fixture
def recordings(case: Case, tmp_path: Path) -> list[Recording]:
    """The agent's recordings, and the last state of each source that is rewritten."""
    found = list(case.recordings)
    for name, stages in case.stages.items():
        folder = tmp_path / name
        folder.mkdir()
        found.append(list(stages(folder))[-1])
    return found


async def test_nothing_comes_back(agent: Agent, recordings: list[Recording], tmp_path: Path) -> None:
    """This holds for what is recognised by its key and for what is recognised by its time."""
    path = tmp_path / "state" / "ledger.sqlite"
    ledger = await Ledger.open(path, DigestReducer())
    assert await read(ledger, agent, recordings)
    await ledger.close()
    before = path.read_bytes()
    said = texts(path)
    assert said

    for now_ms in (1, LATER_MS):
        path.write_bytes(before)
        ledger = await Ledger.open(path, DigestReducer())
        await ledger.forget(Selection(), now_ms=now_ms)
        again = await read(ledger, agent, recordings)
        kept = contexts(path)
        await ledger.close()

        assert (now_ms, again) == (now_ms, 0)
        assert [text for text in said if text in kept] == []


async def test_no_text_of_a_conversation_stays_beside_positions(
    agent: Agent, recordings: list[Recording], tmp_path: Path
) -> None:
    """The others keep their positions."""
    path = tmp_path / "state" / "ledger.sqlite"
    ledger = await Ledger.open(path, DigestReducer())
    await read(ledger, agent, recordings)
    with closing(connect_read_only(path)) as db:
        sessions = [native_id for (native_id,) in db.execute("SELECT native_id FROM session")]
    left = []
    for conversation in sorted({conversation_of(session) for session in sessions}):
        said = texts(path, conversation)
        await ledger.forget(Selection(agent=agent.id, conversation=conversation), now_ms=LATER_MS)
        kept = contexts(path)
        left += [text for text in said - texts(path) if text in kept]
    await ledger.close()

    assert left == []
