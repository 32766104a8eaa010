"""Contexts that an earlier version stored: the next one continues from them or reads the source from its beginning."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from agents.cline.contract_case import CASE as CLINE
from agents.copilot import chats
from carryover.adapter.contract import Agent
from carryover.agents.cline.adapter import AGENT as CLINE_AGENT
from carryover.agents.copilot.adapter import AGENT as COPILOT_AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.codec import decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.store import Ledger
from contract.case import Recording, Stages, source_at

NOW_MS = 1_900_000_000_000


def answered(folder: Path) -> Iterator[Recording]:
    """A chat of VS Code while its answer is written, and when it has ended."""
    window = chats.Window(folder / "User")
    live = chats.FIX | {"modelState": {"value": chats.PENDING}}
    for request in (live, chats.FIX):
        yield Recording(window.store(chats.chat("two", request)), window.root)


async def bodies(ledger: Path, agent: Agent, stages: Stages, kept: Callable[[int], bytes]) -> list[bytes]:
    """Returns the stored bodies after each state was read. `kept`: number of a state → the context stored for it."""
    folder = ledger.with_suffix("")
    folder.mkdir()
    opened = await Ledger.open(ledger, DigestReducer())
    for number, recording in enumerate(stages(folder)):
        result = await ingest(opened, agent, source_at(agent, recording), root_of=ProjectRoot, now_ms=lambda: NOW_MS)
        assert result.error is None
        if context := kept(number):
            with closing(sqlite3.connect(ledger)) as db:
                db.execute("UPDATE source SET context = ?", (context,))
                db.commit()
    await opened.close()
    with closing(connect_read_only(ledger)) as db:
        found = db.execute("SELECT body FROM event WHERE retracted = 0 ORDER BY thread_id, id")
        return sorted(msgspec.json.encode(decode_body(body)) for (body,) in found)


@pytest.mark.parametrize(
    ("reads", "states", "read", "context"),
    [
        (
            CLINE_AGENT,
            CLINE.stages["streamed"],
            4,
            b'{"cwd":"/home/dev/shop","last_ms":1795365885279,"session":"1795365882776_6pzba","attended":false,'
            b'"number":5,"prompted":true,"last":"bXNnXzVCVG1oRmpvOmNhbGwx"}',
        ),
        (COPILOT_AGENT, answered, 0, b'{"chat":{"last_ms":1772442000000}}'),
    ],
    ids=["a call in flight", "an answer in progress"],
)
async def test_what_was_unfinished_in_a_former_context_is_kept(
    tmp_path: Path, reads: Agent, states: Stages, read: int, context: bytes
) -> None:
    ever = await bodies(tmp_path / "a.sqlite", reads, states, lambda _: b"")

    assert await bodies(tmp_path / "b.sqlite", reads, states, lambda at: context if at == read else b"") == ever
