"""A transcript that is imported beside those in the client's own folder."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.gemini_cli.lines import SESSION, Lines
from carryover.agents.gemini_cli.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document, take_in
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from carryover.transcript.sources import sources_of
from support.clock import LATER_MS

CONTEXT = "<session_context>\nShop.\n</session_context>"


class Written(Lines):
    """Writes its records to a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        self._path = path
        super().__init__()

    def add(self, record: Any) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


@pytest.mark.parametrize("is_own", [True, False])
async def test_an_import_takes_nothing_back_of_a_session_that_is_in_the_clients_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    """It names its session, and the time, itself (0.61)."""
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tmp_path / ".gemini" / "tmp"
    own = Written(root / "shop" / "chats" / f"session-2026-11-20T06-00-{SESSION[:8]}.jsonl")
    for said in ("one", "two", "three"):
        own.user(said)
        own.gemini(f"Answer to {said}.")
    path = tmp_path / "downloads" / "chat.jsonl"
    planted = Written(path)
    for parts in (("one",), (CONTEXT, "one")):
        planted.user(*parts, ident=f"p{len(parts)}")
        planted.gemini("Answer to one.", ident=f"a{len(parts)}")
        for _ in range(9):
            planted.time()
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    reads: dict[str, Any] = {"root_of": ProjectRoot, "now_ms": lambda: LATER_MS}
    try:
        for source in sources_of(AGENT, root) if is_own else ():
            await ingest(ledger, AGENT, source, **reads)
        await take_in(ledger, open_document(Candidate(path)), again=False, **reads)
    finally:
        await ledger.close()

    with closing(connect_read_only(tmp_path / "ledger.sqlite")) as db:
        [session] = sessions(db, limit=10)
        bodies = [stored.body for stored in session_events(db, session) if not stored.retracted]
    prompts = [body.text for body in bodies if isinstance(body, UserPrompt)]
    assert sorted(prompts) == (["one", "one", "one", "three", "two"] if is_own else ["one"])


BEGINNING = f'{{"sessionId": "s", "projectHash": "{"0a" * 32}", "startTime": "2026-11-20T06:00:00.000Z"'


@pytest.mark.parametrize(
    ("name", "head", "is_its"),
    [
        ("a.jsonl", f"{BEGINNING}}}\n", True),
        ("a.json", f'{BEGINNING},\n"messages": []}}', True),
        ("a.txt", f"{BEGINNING}}}\n", False),
        ("a.jsonl", f"- {BEGINNING}}}\n", False),
        ("a.jsonl", f'{{"type": "user"}}\n{BEGINNING}}}\n', False),
        ("a.json", f'{{"messages": [{BEGINNING}}}]}}', False),
    ],
)
def test_only_what_has_the_clients_form_and_suffix_is_its(name: str, head: str, is_its: bool) -> None:
    assert AGENT.exported is not None
    assert (AGENT.exported(Path(name), head.encode()) is not None) is is_its
