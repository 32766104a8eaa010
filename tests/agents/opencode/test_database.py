"""Sessions in the database of real clients and exported: what is read of them, and when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.opencode.stores import LATEST, START_MS, WITHOUT_EVENTS, Client, bodies, database, read
from carryover import model
from carryover.adapter.contract import Source
from carryover.agents.opencode.adapter import AGENT
from carryover.agents.opencode.database import PROMPT_SETTLED_MS, SETTLED_MS, database_reader
from carryover.model import AssistantMessage, ToolCall, ToolResult, UserPrompt
from carryover.model import UserPrompt as Prompt
from carryover.transcript.sources import sources_of
from carryover.transcript.stored import StoredContext
from contract.case import Reading, read_export, read_on

BOTH = pytest.mark.parametrize("version", [LATEST, WITHOUT_EVENTS])
SHOP = "ses_e0857b387ffepco3cUkDLd2IiY"
TUI = "ses_e08577018ffe3YnzYVhzeLj8Ff"
LIMITED = "ses_e08572157ffe91beVcbLgJvu1x"
KILLED = "ses_e0856fa37ffezs4NvQpySacRUI"
PARENT, CHILD = "ses_e0856dd7bffeY4Yc7VkzdhrWQw", "ses_e0856d45fffefp1SGtM1v3OaOV"


def test_a_session_with_edits_tests_and_todos(tmp_path: Path) -> None:
    found = read(database(tmp_path))

    said = [prompt.text for prompt in bodies(found, Prompt, session=SHOP)]
    assert said == ["discount() must return whole cents: fix pricing.py so that the tests pass", "What is left?"]
    tests = [result for result in bodies(found, model.ToolResult, session=SHOP) if result.op == "shell"]
    assert {result.subject for result in tests} == {"python3 -m unittest -q"}
    assert [result.exit_code for result in tests] == [1, 0]
    edits = [(edit.path, edit.change, edit.line) for edit in bodies(found, model.FileEdit, session=SHOP)]
    assert edits == [("/home/dev/shop/pricing.py", "modify", 6), ("/home/dev/shop/cart.py", "add", 1)]
    [plan] = bodies(found, model.PlanUpdate, session=SHOP)
    assert [(item.text, item.state) for item in plan.items] == [
        ("Fix discount()", "done"),
        ("Round once per cart", "pending"),
    ]
    final = [message.text for message in bodies(found, model.AssistantMessage, session=SHOP) if message.final]
    assert final[-1] == "discount() rounds now; total() still rounds per item."
    assert bodies(found, model.SessionInfo, session=SHOP)[0].title == "Whole-cent discounts in pricing.py"


def test_interrupts_a_compaction_a_limit_and_a_kill(tmp_path: Path) -> None:
    found = read(database(tmp_path))

    assert [end.reason for end in bodies(found, model.TurnEnd, session=TUI)] == ["interrupted"]
    assert len(bodies(found, model.AgentSummary, session=TUI)) == 1
    assert [end.reason for end in bodies(found, model.TurnEnd, session=LIMITED)] == ["limit"]
    assert [type(event.body) for event in found.events if event.session == KILLED] == [model.SessionInfo, Prompt]


@BOTH
def test_nothing_beside_the_database_is_made_or_changed(tmp_path: Path, version: str) -> None:
    path = tmp_path / "opencode" / "opencode.db"
    with Client(path, version) as client:
        session = client.session(START_MS, "/home/dev/shop")
        client.prompt(session, START_MS + 1, "Fix add().")
        client.say(session, START_MS + 2, "Done.")
        before = contents(path.parent)
        found = read(path)
        after = contents(path.parent)

        assert [prompt.text for prompt in bodies(found, Prompt)] == ["Fix add()."]
        assert after == before
        client.say(session, START_MS + 3, "And committed.")
        assert bodies(read(path, reading=found), model.AssistantMessage)[-1].text == "And committed."


def contents(folder: Path) -> dict[str, bytes]:
    """The index of the log is left out: connections of one process share it (tests/unit/transcript/test_sqlite.py)."""
    return {file.name: b"" if file.name.endswith("-shm") else file.read_bytes() for file in sorted(folder.iterdir())}


def test_tables_of_accounts_are_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database(tmp_path)
    asked: list[str | None] = []
    connect = sqlite3.connect

    class Watched(sqlite3.Connection):
        """Notes what is read, also where the reader has an authorizer of its own."""

        def set_authorizer(self, authorizer: Any) -> None:
            def note(action: int, table: str | None, *more: Any) -> int:
                if action == sqlite3.SQLITE_READ:
                    asked.append(table)
                return int(authorizer(action, table, *more))

            super().set_authorizer(note)

    def watched(*args: Any, **options: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*args, factory=Watched, **options)
        db.set_authorizer(lambda *_: sqlite3.SQLITE_OK)
        return db

    monkeypatch.setattr(sqlite3, "connect", watched)
    database_reader().read(path, None)

    assert {"session", "message", "part"} <= set(asked)
    about_tables = {"sqlite_master", "pragma_table_xinfo"}
    assert {str(table) for table in asked if table} <= {"session", "message", "part", *about_tables}


def test_a_database_of_another_layout_gives_nothing(tmp_path: Path) -> None:
    path = database(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE part")

    assert read(path).events == []
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE part (id)")
    with pytest.raises(OSError, match=r"^\[Errno 22\]"):  # not the number of a busy one, for which others wait
        read(path)


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


@pytest.mark.parametrize(
    ("above", "name"),
    [
        ("", "session.json"),
        (f"Exporting session: {SHOP}\n", "session.json"),
        (f"Exporting session: {SHOP}\r\n", "session.json"),
        ("", "full.jsonl"),
    ],
)
def test_an_exported_session_has_the_same_events(tmp_path: Path, above: str, name: str) -> None:
    path = database(tmp_path, LATEST)
    document = tmp_path / name
    whole = exported(path, SHOP)
    text = json.dumps({**whole, "messages": [{"info": "damaged"}, *whole["messages"]]}, indent=2)
    document.write_text(f"{above}{text}")
    found = read_export(AGENT, document)
    live = read(path)

    assert [skipped.record_type for skipped in found.skipped] == ["message"]
    assert {event.key: event.body for event in found.events} == {
        event.key: event.body for event in live.events if event.session == SHOP and event.subagent_id is None
    }


def test_an_exported_session_keeps_its_order_without_its_ids(tmp_path: Path) -> None:
    whole = exported(database(tmp_path, LATEST), SHOP)
    said: list[list[str]] = []
    for name in ("whole.json", "taken.json"):
        document = tmp_path / name
        document.write_text(json.dumps(whole))
        read_all = (event.body for event in read_export(AGENT, document).events)
        said.append([body.text for body in read_all if isinstance(body, (UserPrompt, AssistantMessage))])
        for message in whole["messages"][2::3]:
            for item in (message["info"], *message["parts"][:1]):
                item["id"] = "REDACTED"

    assert len(said[0]) > 2
    assert said[1] == said[0]


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
    [_, root] = AGENT.spec.roots(tmp_path, {"OPENCODE_DB": str(path)})

    assert root == path
    assert sources_of(AGENT, root) == [AGENT.source_of(path, root)]
    assert AGENT.source_of(path.with_name("opencode.db-wal"), root) == AGENT.source_of(path, root)
    assert AGENT.source_of(path.with_name("other.db"), root) is None
    assert sources_of(AGENT, tmp_path / "gone.db") == []


class Watched:
    """A database that is read at times of the test's own."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.reading = Reading(context=StoredContext())
        self._source = Source(agent=AGENT.id, path=str(client.path))

    @property
    def retry_after_s(self) -> float | None:
        return self.reading.batches[-1].retry_after_s

    def read(self, now_ms: int) -> Reading:
        # A new reader each time: one that has read the database waits until something in it is due.
        agent = replace(AGENT, reader=database_reader(lambda: now_ms))
        return read_on(agent, self._source, self.reading)

    def texts(self, now_ms: int) -> list[str]:
        bodies = (event.body for event in self.read(now_ms).events)
        return [body.text for body in bodies if isinstance(body, UserPrompt | AssistantMessage)]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with Client(tmp_path / "opencode.db") as client:
        yield Watched(client)


def test_a_call_is_known_before_its_result(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Test it.")
    answer = client.answer(session, at + 2)
    call = client.tool(session, answer, at + 3, "bash", {}, status="pending")
    assert bodies(watched.read(at + 4), ToolCall) == []

    client.tool(session, answer, at + 5, "bash", {"command": "make"}, part=call, status="running")
    assert [found.subject for found in bodies(watched.read(at + 6), ToolCall)] == ["make"]
    assert watched.retry_after_s is not None and watched.retry_after_s > SETTLED_MS / 1000 - 1

    done = {"status": "completed", "output": "ok\n", "metadata": {"exit": 0}}
    client.tool(session, answer, at + 60_000, "bash", {"command": "make"}, part=call, **done)
    client.finish(session, answer, at + 60_001, "tool-calls")
    assert [found.exit_code for found in bodies(watched.read(at + 60_002), ToolResult)] == [0]
    assert len(bodies(watched.reading, ToolCall)) == 1
    assert watched.retry_after_s is None


def test_a_question_is_asked_before_it_is_answered(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Choose.")
    given = {"questions": [{"question": "Red or blue?", "options": [{"label": "Red"}, {"label": "Blue"}]}]}
    client.tool(session, client.answer(session, at + 2), at + 3, "question", given, status="running")

    [asked] = bodies(watched.read(at + 4), model.Question)
    assert (asked.text, asked.options) == ("Red or blue?", ("Red", "Blue"))


def test_a_prompt_is_read_once_all_of_it_is_there(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    prompt = client.prompt(session, at + 1, "Look at @a.py.")
    client.write("part", id=client.part(session, prompt, at + 1, {"type": "file"}), data='{"damaged')
    assert watched.texts(at + 2) == []
    assert watched.texts(at + 1 + PROMPT_SETTLED_MS) == ["Look at @a.py."]


def test_a_text_is_the_answer_only_when_its_message_has_ended_so(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Fix it.")
    answer = client.answer(session, at + 2)
    text = {"type": "text", "text": "Looking.", "time": {"start": at + 3, "end": at + 4}}
    client.part(session, answer, at + 4, text)
    client.part(session, answer, at + 5, {"type": "step-finish", "reason": "stop"})
    assert watched.texts(at + 6) == ["Fix it."]

    client.finish(session, answer, at + 7, "stop")
    [message] = bodies(watched.read(at + 8), AssistantMessage)
    assert message.final is True


def test_what_the_client_shows_after_a_text_does_not_make_it_final(watched: Watched) -> None:
    """Kilo (7.7.9) adds such a text while it makes a snapshot, and deletes it: the answer would come and go with it."""
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "Fix it.")
    answer = client.answer(session, at + 2)
    client.part(session, answer, at + 3, {"type": "text", "text": "Shall I go on?"})
    shown = client.part(session, answer, at + 4, {"type": "text", "text": "Snapshot", "synthetic": True})
    assert watched.texts(at + 5) == ["Fix it."]

    client.finish(session, answer, at + 6, "stop")
    [message] = bodies(watched.read(at + 7), AssistantMessage)
    assert message.final is True

    client.db.execute("DELETE FROM part WHERE id = ?", (shown,))
    client.write("message", id=answer, time_updated=at + 8)
    assert watched.texts(at + 9) == ["Fix it.", "Shall I go on?"]


def test_what_a_killed_client_left_is_taken_after_a_while_and_when_it_continues(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop", title=f"Use ghp_{'a1B2' * 9}")
    client.prompt(session, at + 1, "Fix it.")
    answer = client.answer(session, at + 2)
    part = client.part(session, answer, at + 3, {"type": "text", "text": "Half"})
    assert watched.texts(at + 4) == ["Fix it."]
    assert watched.texts(at + 4 + SETTLED_MS) == ["Fix it.", "Half"]
    client.part(session, answer, at + 5, {"type": "text", "text": "Half an"}, part)
    assert watched.texts(at + 5 + SETTLED_MS) == ["Fix it.", "Half an"]

    client.prompt(session, at + 6 + SETTLED_MS, "Go on.")
    client.say(session, at + 7 + SETTLED_MS, "Done.")
    assert watched.texts(at + 8 + SETTLED_MS) == ["Fix it.", "Half an", "Go on.", "Done."]
    # A title that looks like a secret is not remembered as it is, and is told once nevertheless.
    assert len(bodies(watched.reading, model.SessionInfo)) == 1


def test_a_turn_that_is_undone_is_gone_and_comes_back(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "One.")
    client.say(session, at + 2, "First.")
    second = client.prompt(session, at + 3, "Two.")
    client.say(session, at + 4, "Second.")
    everything = ["One.", "First.", "Two.", "Second."]
    assert watched.texts(at + 5) == everything

    client.write("session", id=session, revert=json.dumps({"messageID": second}))
    assert watched.texts(at + 6) == ["One.", "First."]
    client.write("session", id=session, revert=None)
    assert watched.texts(at + 7) == everything


def test_a_part_that_is_undone_is_gone(watched: Watched) -> None:
    client, at = watched.client, START_MS
    session = client.session(at, "/home/dev/shop")
    client.prompt(session, at + 1, "One.")
    answer = client.answer(session, at + 2)
    client.part(session, answer, at + 3, {"type": "text", "text": "Kept."})
    gone = client.part(session, answer, at + 4, {"type": "text", "text": "Gone."})
    client.finish(session, answer, at + 5)
    client.write("session", id=session, revert=json.dumps({"messageID": answer, "partID": gone}))

    assert watched.texts(at + 6) == ["One.", "Kept."]


@pytest.mark.parametrize("version", [LATEST, WITHOUT_EVENTS])
def test_each_step_of_the_model_is_counted_once(tmp_path: Path, version: str) -> None:
    path = database(tmp_path, version)
    with closing(sqlite3.connect(path)) as db:
        parts = [json.loads(data) for (data,) in db.execute("SELECT DISTINCT data FROM part")]
    taken = {part["tokens"]["input"] for part in parts if part["type"] == "step-finish"}

    counted = {used.key: used.input for used in read(path).tokens}
    assert set(counted.values()) == taken - {0}
