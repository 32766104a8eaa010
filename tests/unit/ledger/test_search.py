from __future__ import annotations

import sqlite3
from collections.abc import Callable

from carryover.ledger.search import Found, Query, search
from carryover.ledger.search_text import terms_of
from carryover.ledger.sessions import move_project
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, FileEdit, ToolCall
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]
DAY_MS = 86_400_000
NOW_MS = 400 * DAY_MS


def find(db: sqlite3.Connection, query: str, project: int | None = None) -> Found:
    return search(db, Query(terms=terms_of(query), project_id=project), limit=20, now_ms=NOW_MS)


async def test_what_is_newer_and_what_the_user_said_comes_first(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(
        scribe.event("add a parser", at_ms=1 * DAY_MS, session="old"),
        scribe.event("add a parser", at_ms=399 * DAY_MS, session="new"),
        scribe.event(AssistantMessage(text="add a parser"), at_ms=399 * DAY_MS, session="new"),
    )

    hits = find(reading(), "parser").hits
    assert [(hit.session, hit.kind) for hit in hits] == [("new", "prompt"), ("new", "answer"), ("old", "prompt")]


async def test_what_a_session_says_again_and_again_is_one_hit(scribe: Scribe, reading: Reading) -> None:
    calls = [scribe.event(ToolCall(call_id=str(n), name="Bash", op="shell", subject="make check")) for n in range(3)]
    await scribe.tell(*calls, scribe.event("make check", session="s2"))

    assert [(hit.kind, hit.times) for hit in find(reading(), "check").hits] == [("prompt", 1), ("command", 3)]


async def test_one_project_is_not_found_in_another_and_a_moved_one_is_found_where_it_is(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    await scribe.tell(scribe.event("add a parser", session="a", cwd="/one"))
    await scribe.tell(scribe.event("add a parser", session="b", cwd="/two"), path="/t/two.jsonl")
    assert [hit.session for hit in find(reading(), "parser", 1).hits] == ["a"]
    assert [hit.root for hit in find(reading(), "parser", 2).hits] == ["/two"]

    await ledger.write(move_project, 1, 2)

    assert find(reading(), "parser", 1).hits == ()
    assert {hit.session for hit in find(reading(), "parser", 2).hits} == {"a", "b"}


async def test_parts_of_names_and_paths_are_found(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(
        scribe.event("rename getUserName"),
        scribe.event(FileEdit(path="/repo/src/user_store.py", change="modify")),
        scribe.event("Größe prüfen"),
        scribe.event("価格は高い"),
    )

    def texts(query: str) -> list[str]:
        return sorted(hit.text for hit in find(reading(), query).hits)

    assert texts("user") == ["/repo/src/user_store.py", "rename getUserName"]
    assert texts("UserName") == texts("user name") == ["rename getUserName"]
    assert texts("src/user") == texts("store.py") == ["/repo/src/user_store.py"]
    assert (texts("GROSSE"), texts("größ"), texts("格は")) == ([], ["Größe prüfen"], ["価格は高い"])


async def test_where_no_event_has_all_words_those_with_some_are_found(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell("add a parser", "write a lexer")

    found = find(reading(), "parser lexer")
    assert (len(found.hits), found.has_all) == (2, False)
    assert find(reading(), "add parser").has_all
    assert find(reading(), "rhinoceros giraffe").hits == ()
