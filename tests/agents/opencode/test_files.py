"""Sessions kept in files, and exported ones."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from agents.opencode.stores import LATEST, data_folder, database, read
from carryover.agents.opencode.adapter import AGENT
from carryover.model import FileEdit, TurnEnd, UserPrompt
from contract.case import read_on

SHOP = "ses_e0857b387ffepco3cUkDLd2IiY"


def test_each_session_of_the_older_version_is_read(tmp_path: Path) -> None:
    root = data_folder(tmp_path)
    readings = [read(Path(source.path), root) for source in AGENT.sources(root)]
    events = [event for reading in readings for event in reading.events]

    prompts = [e.body.text for e in events if isinstance(e.body, UserPrompt) and e.subagent_id is None]
    assert sorted(prompts) == [
        "Explain rounding",
        "Round once per cart",
        "Who calls discount()?",
        "discount() must return whole cents; fix pricing.py",
    ]
    assert len([event for event in events if isinstance(event.body, FileEdit)]) == 2
    assert [event.body.reason for event in events if isinstance(event.body, TurnEnd)] == ["limit"]
    assert {event.subagent_id is not None for event in events} == {True, False}


def exported(path: Path, session: str) -> dict[str, Any]:
    """As `opencode export` writes it, from the rows of a database."""
    db = sqlite3.connect(path)
    row = db.execute(
        "SELECT id, directory, title, version, time_created FROM session WHERE id = ?", (session,)
    ).fetchone()
    info = dict(zip(("id", "directory", "title", "version"), row, strict=False)) | {"time": {"created": row[4]}}
    messages = []
    for ident, data in db.execute("SELECT id, data FROM message WHERE session_id = ? ORDER BY id", (session,)):
        parts = db.execute("SELECT id, data FROM part WHERE message_id = ? ORDER BY id", (ident,)).fetchall()
        entries = [{**json.loads(part), "id": name} for name, part in parts]
        messages.append({"info": {**json.loads(data), "id": ident}, "parts": entries})
    db.close()
    return {"info": info, "messages": messages}


def test_an_exported_session_has_the_same_events(tmp_path: Path) -> None:
    path = database(tmp_path, LATEST)
    document = tmp_path / "session.json"
    document.write_text(json.dumps(exported(path, SHOP), indent=2))
    source = AGENT.exported and AGENT.exported(document, document.read_bytes()[: 64 << 10])
    assert source is not None
    found = read_on(AGENT, source)
    live = read(path)

    assert found.skipped == []
    assert {event.key: event.body for event in found.events} == {
        event.key: event.body for event in live.events if event.session == SHOP and event.subagent_id is None
    }


def test_a_session_that_is_exported_again_shows_what_the_document_holds_now(tmp_path: Path) -> None:
    document = tmp_path / "session.json"
    whole = exported(database(tmp_path, LATEST), SHOP)
    document.write_text(json.dumps({**whole, "messages": whole["messages"][:2]}))
    source = AGENT.exported and AGENT.exported(document, document.read_bytes())
    assert source is not None
    before = read_on(AGENT, source)
    document.write_text(json.dumps(whole))

    after = read_on(AGENT, source, before)
    assert after.events == read_on(AGENT, source).events
    assert AGENT.reader.read(document, after.cursor).records == ()


def test_a_variable_may_name_the_database_itself(tmp_path: Path) -> None:
    path = database(tmp_path)
    [_, root] = AGENT.roots(tmp_path, {"OPENCODE_DB": str(path)})

    assert root == path
    assert AGENT.sources(root) == [AGENT.source_of(path, root)]
    assert AGENT.source_of(path.with_name("opencode.db-wal"), root) == AGENT.source_of(path, root)
    assert AGENT.source_of(path.with_name("other.db"), root) is None
    assert AGENT.sources(tmp_path / "gone.db") == []
