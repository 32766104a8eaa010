"""What hooks tell goes the way of all events: its project found, secrets hidden, output bounded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import IngestResult, ingest_provisional
from carryover.ledger.events import session_events
from carryover.ledger.queries import StoredEvent, connect_read_only, session_by_prefix, sessions, totals
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, AssistantMessage, Event

AGENT = "made-up"
ROOTS = {"/repo/src": ProjectRoot("/repo"), "/repo/\ud83d": ProjectRoot("/repo")}
SECRET = "ghp_" + "a1B2c3D4e5F6" * 3


def event(body: AnyBody, *, cwd: str | None = "/repo/src") -> Event:
    return Event(key="hook/1", session="s1", at_ms=1_000, body=body, cwd=cwd)


async def reported(ledger: Ledger, *events: Event) -> IngestResult:
    with ThreadPoolExecutor(1) as executor:
        return await ingest_provisional(
            ledger, AGENT, events, root_of=ROOTS.__getitem__, now_ms=lambda: 2_000, executor=executor
        )


def stored(path: Path) -> list[StoredEvent]:
    with closing(connect_read_only(path)) as db:
        return list(session_events(db, session_by_prefix(db, "s1")))


async def test_it_is_stored_for_the_project_of_its_folder(ledger: Ledger, ledger_path: Path) -> None:
    done = AssistantMessage(text="Done.", final=True)

    first, again = await reported(ledger, event(done)), await reported(ledger, event(done))

    assert first == IngestResult(new_events=1, projects=frozenset({1}), newest_event_ms=1_000)
    assert again == IngestResult()
    assert stored(ledger_path) == [StoredEvent(at_ms=1_000, subagent_id=None, body=done, provisional=True)]
    with closing(connect_read_only(ledger_path)) as db:
        assert [session.root for session in sessions(db, limit=9)] == ["/repo"]


async def test_secrets_are_hidden_and_left_for_the_transcript_to_count(ledger: Ledger, ledger_path: Path) -> None:
    await reported(ledger, event(AssistantMessage(text=f"The token is {SECRET}.")))

    (kept,) = stored(ledger_path)
    assert isinstance(kept.body, AssistantMessage)
    assert SECRET not in kept.body.text
    assert "[redacted:" in kept.body.text
    with closing(connect_read_only(ledger_path)) as db:
        assert totals(db).redactions == {}
    assert SECRET.encode() not in b"".join(file.read_bytes() for file in ledger_path.parent.iterdir())
