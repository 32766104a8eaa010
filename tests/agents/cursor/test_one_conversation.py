"""One conversation that lies in several of Cursor's stores counts once, in whichever order they are read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.cursor import chats
from agents.cursor.stores import Chat, EditorStore, edit, say, shell, user
from carryover.adapter.contract import Source
from carryover.agents.cursor.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.events import session_events
from carryover.ledger.queries import connect_read_only, session_by_prefix
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, SessionInfo

NOW_MS = 1_800_000_000_000
BUBBLES = (
    user("The add function is wrong. Fix it."),
    edit("src/calc.py"),
    shell("make test", "ok\n"),
    say("It is fixed."),
)
STEPS = (chats.Step("user", BUBBLES[0]["text"]), chats.Step("say", "It is fixed."))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(tmp_path / "User")) as made:
        yield made


def sources(home: Path, store: EditorStore, chat: Chat) -> dict[str, Source]:
    """The same conversation in each store, as it is found there."""
    with closing(chats.ChatStore(home / "chats" / "1f" / chat.id, agentId=chat.id)) as other:
        other.save(chats.messages(STEPS))
    folder = home / "projects" / chats.SLUG / "agent-transcripts"
    (folder / chat.id).mkdir(parents=True)
    (folder / chat.id / f"{chat.id}.jsonl").write_bytes(chats.jsonl(chats.lines(STEPS)))
    roots = (store.path.parent, home / "chats", home / "projects")
    found = [source for root in roots for source in AGENT.sources(root)]
    return {Path(source.path).suffix: source for source in found}


async def reported(ledger_path: Path, order: tuple[Source, ...], session: str) -> list[AnyBody]:
    """What counts of the conversation after all of `order` was read."""
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        for source in order:
            result = await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: NOW_MS)
            assert result.error is None
    finally:
        await ledger.close()
    with closing(connect_read_only(ledger_path)) as db:
        return [
            event.body
            for event in session_events(db, session_by_prefix(db, session))
            if not event.retracted and not isinstance(event.body, SessionInfo)
        ]


async def test_it_counts_once_in_any_order(tmp_path: Path, store: EditorStore) -> None:
    chat = Chat(name="one", bubbles=BUBBLES)
    store.put(chat)
    found = sources(tmp_path, store, chat)
    assert set(found) == {".vscdb", ".db", ".jsonl"}
    best = await reported(tmp_path / "best.sqlite", (found[".vscdb"],), chat.id)
    assert len(best) == 7

    for number, order in enumerate(itertools.permutations(found.values())):
        assert await reported(tmp_path / f"{number}.sqlite", order, chat.id) == best
