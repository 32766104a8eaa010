"""OpenClaw's database as a real client wrote it, and rows as it writes them: what is read of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from agents.openclaw.contract_case import record
from agents.openclaw.stores import PLACE, Client, database, read
from agents.pi.contract_case import assistant, entry, message, user
from carryover import model
from carryover.adapter.contract import Source
from carryover.agents.openclaw.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document, take_in
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.ledger.store import Ledger
from carryover.records.fields import utc_ms
from carryover.transcript.sources import sources_of
from contract.case import Reading, Transcript, answers, edits, of, prompts, results, standing
from support.clock import LATER_MS

WORDS: Final = ("title", "text")
SOURCE: Final = Source(agent="openclaw", path=f"/agents/{PLACE}")
LINES: Final = (
    {"type": "session", "id": "one", "timestamp": "2026-11-22T16:52:18.000Z", "cwd": "/home/dev/shop"},
    {"type": "model_change", "id": "a", "parentId": None, "timestamp": "2026-11-22T16:52:18.100Z", "modelId": "m"},
    {**json.loads(user("Fix add().")), "id": "b", "parentId": "a"},
    {**json.loads(assistant({"type": "text", "text": "Done."})), "id": "c", "parentId": "b"},
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    return read(database(tmp_path_factory.mktemp("story"), "story"))


def of_session(reading: Reading, title: str) -> Reading:
    """What belongs to the session that has this title or first prompt."""
    named = (event.session for event in reading.events if title in (getattr(event.body, name, "") for name in WORDS))
    session = next(named)
    return msgspec.structs.replace(reading, events=[event for event in reading.events if event.session == session])


def test_a_session_with_failing_tests_edits_and_a_prompt_that_was_taken_back(story: Reading) -> None:
    """The client writes a session again under another id if the user goes back in it."""
    shop = of_session(story, "Fruit prices")

    assert shop.events[0].session == "5ed942b3-d930-4410-a005-03300957fc93"  # the first of the two
    assert results(shop) == [
        ("exec", "error", 1),
        ("edit", "error", None),
        ("edit", "ok", None),
        ("write", "ok", None),
        ("read", "ok", None),
        ("apply_patch", "ok", None),
        ("exec", "ok", 0),
        ("exec", "ok", 0),
    ]
    assert [edit[:2] for edit in edits(shop)] == [
        ("/home/dev/shop/prices.py", "modify"),
        ("/home/dev/shop/NOTES.md", "add"),
        ("/home/dev/shop/plum.py", "add"),
    ]
    assert prompts(shop) == ["Make a pear cost as much as an apple", "Then paint the pear", "And the apple"]
    assert answers(shop)[1:] == [
        "A pear costs two coins now, and the test passes. Should a plum cost two coins as well?",
        "The pear is painted.",
        "The apple is painted.",
    ]
    assert [kind.source for kind in of(shop.events, model.AgentSummary)] == ["compaction"]
    assert "line number 100 of the long list" in of(shop.events, model.ToolResult)[6].output  # a compressed row
    assert {event.cwd for event in story.events} == {"/home/dev/shop"}


def test_a_session_after_another_one_of_its_key_is_a_session_of_its_own(tmp_path: Path) -> None:
    """Only one in which the user took something back begins with the entries of the one before it."""
    begun_ms = utc_ms(str(LINES[0]["timestamp"]))
    with Client(tmp_path / "agents" / PLACE) as client:
        client.session("one", "agent:main:main", begun_ms)
        for line in LINES:
            client.add("one", line)
        client.session("child", "agent:main:subagent:1", begun_ms + 8_000, spawned_by="agent:main:main")
        client.add("child", json.loads(user("Count the pears.")))
        client.session("two", "agent:main:main", begun_ms + 9_000, previous_session_id="one")
        for line in ({**LINES[0], "id": "two"}, {**json.loads(user("Fix sub().")), "id": "d", "parentId": None}):
            client.add("two", {**line, "timestamp": "2026-11-22T16:52:27.000Z"})
        before, found = "two", None
        for at in range(12):
            client.session(f"copy{at}", "agent:main:main", begun_ms + 10_000 + at, previous_session_id=before)
            for part in ("seq = 0", "seq > 0"):  # until it has an entry, it could be any session
                client.db.execute(
                    "INSERT INTO transcript_events (session_id, seq, event_json, created_at)"
                    " SELECT ?1, seq, event_json, created_at + (seq = 0) FROM transcript_events"
                    f" WHERE session_id = ?2 AND {part}",
                    (f"copy{at}", before),
                )
                client.db.commit()
                found = read(client.path, found) if at in (0, 11) else found
            before = f"copy{at}"
    assert found is not None
    said = of_users(found)

    assert said == {"one": ["Count the pears.", "Fix add()."], "two": ["Fix sub()."]}


def of_users(reading: Reading) -> dict[str, list[str]]:
    """The prompts of each session."""
    found: dict[str, list[str]] = {}
    for event in reading.events:
        if isinstance(event.body, model.UserPrompt):
            found.setdefault(event.session, []).append(event.body.text)
    return found


def test_the_session_in_use_is_known_after_a_first_read_of_many() -> None:
    """A first read begins with it."""
    session = Transcript(AGENT, SOURCE)
    call = {"type": "toolCall", "id": "1", "name": "exec", "arguments": {"command": "make test"}}
    session.fold(record(assistant(call)))
    for number in range(20):
        older = entry("message", message={"role": "user", "content": "Go on."}, timestamp="2026-11-21T16:52:18.174Z")
        session.fold(record(older, {"id": f"older-{number}"}))
    session.fold(record(message("toolResult", {"type": "text", "text": "ok"}, toolCallId="1", toolName="exec")))

    [result] = session.all(model.ToolResult)
    assert result.subject == "make test"
    assert len(session.context.sessions) == 10


def test_what_a_schedule_sends_is_not_the_users(story: Reading) -> None:
    sent = {prompt.text for prompt in standing(story, model.UserPrompt) if prompt.scheduled}
    assert sent == {"[Count plums] Count the plums", "[OpenClaw heartbeat poll]"}


def test_what_the_user_answered_is_an_answer(tmp_path: Path) -> None:
    [answer] = of(read(database(tmp_path, "asked")).events, model.Answer)
    assert (answer.question, answer.text) == ("Which colour shall the plum have?", "Blue")


def test_a_fork_has_only_what_was_said_in_it(tmp_path: Path) -> None:
    path = database(tmp_path, "forked")
    found = read(path)
    [fork] = [event.session for event in found.events if getattr(event.body, "parent", None)]

    assert prompts(found) == ["Price the apple", "Price the pear", "Price the plum"]
    assert of([event for event in found.events if event.session == fork], model.UserPrompt)[0].text == "Price the apple"
    with Client(path) as client:
        client.db.execute("DELETE FROM session_windows WHERE session_key = 'agent:main:shop'")
        client.db.execute(
            "DELETE FROM transcript_events WHERE session_id NOT IN (SELECT session_id FROM session_windows)"
        )
        client.db.commit()
    assert prompts(read(path)) == ["Price the pear", "Price the apple"]


def test_the_end_of_a_key_is_no_title(tmp_path: Path) -> None:
    with Client(tmp_path / "agents" / PLACE) as client:
        for ident, label, shown in (("one", None, "one"), ("two", None, "Bread"), ("six", "Rye", "Bread")):
            client.session(ident, f"agent:main:{ident}", 1)
            client.db.execute(
                "UPDATE session_nodes SET label = ?, display_name = ? WHERE current_session_id = ?",
                (label, shown, ident),
            )
            client.add(ident, LINES[2])
        found = read(client.path).events

    titles = {event.session: event.body.title for event in found if isinstance(event.body, model.SessionInfo)}
    assert titles == {"two": "Bread", "six": "Rye"}


def test_a_database_is_one_of_openclaw_by_its_suffix_and_its_entries_and_another_holds_nothing(tmp_path: Path) -> None:
    assert AGENT.exported is not None
    own = database(tmp_path, "asked")
    other, renamed = tmp_path / "other" / PLACE, own.with_name("own.db")
    other.parent.mkdir(parents=True)
    alike = other.with_name("alike.sqlite")
    for path, table in ((other, "a"), (alike, "transcript_events")):
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"CREATE TABLE {table} (b)")
    shutil.copy(own, renamed)

    recognised = [AGENT.exported(path, path.read_bytes()) is not None for path in (own, other, alike, renamed)]
    assert recognised == [True, False, False, False]
    assert read(other).events == []


def test_the_log_of_a_database_counts_as_the_database() -> None:
    root = Path("/home/dev/.openclaw/agents")
    for log in ("wal", "journal"):
        assert AGENT.source_of(root / f"{PLACE}-{log}", root) == AGENT.source_of(root / PLACE, root) is not None


def test_calls_end_and_files_change_as_their_results_say() -> None:
    session = Transcript(AGENT, SOURCE)

    def call(name: str, given: dict[str, Any], text: str, **details: Any) -> None:
        session.fold(record(assistant({"type": "toolCall", "id": name, "name": name, "arguments": given})))
        content = {"type": "text", "text": text}
        session.fold(record(message("toolResult", content, toolCallId=name, toolName=name, details=details)))

    call("exec", {"command": "make test"}, "1 failed\n\n(Command exited with code 2)", status="completed", exitCode=2)
    call("write", {"path": "a.py", "content": "a\n"}, "Successfully wrote 2 bytes", created=True)
    call("tool_call", {"id": "cron", "args": {"action": "list"}}, "{}")
    shell, _, cron = session.all(model.ToolResult)

    assert (shell.status, shell.exit_code, shell.output) == ("error", 2, "1 failed")
    assert [edit.change for edit in session.all(model.FileEdit)] == ["add"]
    assert (cron.name, cron.subject) == ("cron", "list")


def test_a_leaf_takes_back_what_was_said_after_it() -> None:
    session = Transcript(AGENT, SOURCE)
    said = (("a", None, "One"), ("b", "a", "Two"), ("c", "b", "Three"))
    for ident, parent, text in said:
        session.fold(record(entry("message", id=ident, parentId=parent, message={"role": "user", "content": text})))
    session.fold(record(entry("leaf", id="d", parentId="c", targetId="a")))

    [left] = session.all(model.Retracted)
    assert left.keys == tuple(event.key for event in session.events if event.body in session.all(model.UserPrompt)[1:])


@pytest.mark.parametrize("is_own", [True, False])
async def test_an_older_copy_takes_nothing_back_of_a_session_that_is_in_the_agents_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    """A copy of a database from elsewhere may be older than the session, or another one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    own = tmp_path / (".openclaw/agents" if is_own else "elsewhere") / PLACE
    copy = tmp_path / "copy.sqlite"
    for path, lines in ((own, LINES), (copy, LINES[:3])):
        with Client(path) as client:
            client.session("one", "agent:main:main", utc_ms(LINES[0]["timestamp"]) or 0)
            for line in lines:
                client.add("one", line)
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    reads: dict[str, Any] = {"root_of": ProjectRoot, "now_ms": lambda: LATER_MS}
    try:
        if is_own:
            await ingest(ledger, AGENT, *sources_of(AGENT, tmp_path / ".openclaw" / "agents"), **reads)
        else:
            await take_in(ledger, open_document(Candidate(own)), again=False, **reads)
        await take_in(ledger, open_document(Candidate(copy)), again=False, **reads)
    finally:
        await ledger.close()

    with closing(connect_read_only(tmp_path / "ledger.sqlite")) as db:
        [session] = sessions(db, limit=10)
        bodies = [stored.body for stored in session_events(db, session) if not stored.retracted]
    said = [body.text for body in bodies if isinstance(body, model.AssistantMessage)]
    assert said == (["Done."] if is_own else [])
