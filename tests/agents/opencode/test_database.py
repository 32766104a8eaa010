"""Sessions in the database of real clients, and what a read leaves of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.opencode.stores import LATEST, START_MS, WITHOUT_EVENTS, Client, bodies, database, read
from carryover import model
from carryover.agents.opencode.database import DatabaseReader
from carryover.model import UserPrompt as Prompt

BOTH = pytest.mark.parametrize("version", [LATEST, WITHOUT_EVENTS])
SHOP = "ses_e0857b387ffepco3cUkDLd2IiY"
FORK = "ses_e085790bbffeUYhQypyFpmn84d"
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


def test_a_fork_has_only_what_was_said_in_it(tmp_path: Path) -> None:
    found = read(database(tmp_path))

    assert [prompt.text for prompt in bodies(found, Prompt, session=FORK)] == ["Try another way"]
    assert bodies(found, model.FileEdit, session=FORK) == []
    assert bodies(found, model.SessionInfo, session=FORK)[0].parent == SHOP


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
    """The index of the log is left out: connections of one process share it (tests/unit/readers/test_sqlite.py)."""
    return {file.name: b"" if file.name.endswith("-shm") else file.read_bytes() for file in sorted(folder.iterdir())}


def test_tables_of_accounts_are_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database(tmp_path)
    asked: list[str | None] = []
    connect = sqlite3.connect

    def note(action: int, table: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ:
            asked.append(table)
        return sqlite3.SQLITE_OK

    def watched(*args: Any, **options: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*args, **options)
        db.set_authorizer(note)
        return db

    monkeypatch.setattr(sqlite3, "connect", watched)
    DatabaseReader().read(path, None)

    assert {"session", "message", "part"} <= set(asked)
    assert {str(table) for table in asked if table} <= {"session", "message", "part", "sqlite_master"}


def test_a_database_of_another_layout_gives_nothing(tmp_path: Path) -> None:
    path = database(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE part")

    assert read(path).events == []
