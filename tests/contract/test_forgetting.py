"""Every agent: what was forgotten does not come back when its transcripts are read again, whatever times they give."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
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
from support.by_day import one_in

LATER_MS = 1_900_000_000_000
LONG_TEXT = 16
_BODIES = """SELECT body FROM event JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id
    WHERE native_id LIKE ? || '%'"""


async def read(ledger: Ledger, agent: Agent, recordings: Iterable[Recording]) -> int:
    """How many events were new. Recordings are tracked by git, so in a project they are nobody's own: here they are
    read all the same."""
    any_place = replace(agent, reader=ReaderByKind(lambda _: "any", {"any": agent.reader}))
    new_events = 0
    for recording in recordings:
        source = source_at(agent, recording)
        result = await ingest(ledger, any_place, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
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


@dataclass(frozen=True, slots=True)
class ReadOnce:
    """What was read of a case once for all tests: its recordings, and the ledger that has them."""

    recordings: tuple[Recording, ...]
    ledger: bytes


@pytest.fixture(scope="module")
def read_before() -> dict[str, ReadOnce]:
    """By the case."""
    return {}


@pytest.fixture
async def known(
    agent: Agent,
    case_id: str,
    case: Case,
    read_before: dict[str, ReadOnce],
    tmp_path_factory: pytest.TempPathFactory,
) -> ReadOnce:
    """The agent's recordings, and the last state of each source that is rewritten."""
    if case_id not in read_before:
        found = list(case.recordings)
        for stages in case.stages.values():
            found.append(list(stages(tmp_path_factory.mktemp("stages")))[-1])
        path = tmp_path_factory.mktemp("state") / "ledger.sqlite"
        ledger = await Ledger.open(path, DigestReducer())
        assert await read(ledger, agent, found)
        await ledger.close()
        read_before[case_id] = ReadOnce(tuple(found), path.read_bytes())
    return read_before[case_id]


@pytest.fixture
def path(known: ReadOnce, tmp_path: Path) -> Path:
    """A ledger that has them."""
    path = tmp_path / "state" / "ledger.sqlite"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(known.ledger)
    return path


async def test_nothing_comes_back(agent: Agent, known: ReadOnce, path: Path) -> None:
    """This holds for what is recognised by its key and for what is recognised by its time; the latter is tried only in
    the tests of the night."""
    said = texts(path)
    assert said

    for now_ms in (1, LATER_MS)[:: one_in(2)]:
        path.write_bytes(known.ledger)
        ledger = await Ledger.open(path, DigestReducer())
        await ledger.forget(Selection(), now_ms=now_ms)
        again = await read(ledger, agent, known.recordings)
        kept = contexts(path)
        await ledger.close()

        assert (now_ms, again) == (now_ms, 0)
        assert [text for text in said if text in kept] == []


async def test_no_text_of_a_conversation_stays_beside_positions(agent: Agent, path: Path) -> None:
    """The others keep their positions."""
    ledger = await Ledger.open(path, DigestReducer())
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
