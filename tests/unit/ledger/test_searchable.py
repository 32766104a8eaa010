from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ledger.search_text import MOST_CHARS, Searchable, index_entry, index_text, searchable, words
from carryover.model import (
    Answer,
    AnyBody,
    AssistantMessage,
    FileEdit,
    PlanUpdate,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)


def result(status: str, output: str) -> ToolResult:
    return ToolResult(call_id="c", name="Bash", op="shell", status=status, output=output)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (UserPrompt(text="add a parser"), Searchable("prompt", "add a parser")),
        (UserPrompt(text="src", command="/review"), Searchable("prompt", "/review src")),
        (UserPrompt(text="look around", actor="model"), Searchable("answer", "look around")),
        (Answer(call_id="c", question="Which?", text="The second"), Searchable("prompt", "The second")),
        (AssistantMessage(text="Done."), Searchable("answer", "Done.")),
        (ToolCall(call_id="c", name="Bash", op="shell", subject="make"), Searchable("command", "make")),
        (ToolCall(call_id="c", name="Read", op="read", subject="/a.py"), Searchable("path", "/a.py")),
        (FileEdit(path="/b.py", change="rename", old_path="/a.py"), Searchable("path", "/b.py /a.py")),
        (result("error", "boom"), Searchable("error", "boom")),
        (TurnEnd(reason="limit", message="until 3pm"), Searchable("error", "until 3pm")),
    ],
)
def test_what_was_said_run_touched_or_failed_is_searched(body: AnyBody, expected: Searchable) -> None:
    assert searchable(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        result("ok", "all of a file"),
        ToolCall(call_id="c", name="Edit", op="edit", subject="/a.py"),
        PlanUpdate(items=()),
        AssistantMessage(text=" \n"),
    ],
)
def test_outputs_and_what_says_nothing_are_not(body: AnyBody) -> None:
    assert searchable(body) is None


def test_of_a_long_error_the_beginning_and_the_end_are_searched() -> None:
    found = searchable(result("error", f"first {'x ' * 5000} last"))

    assert found is not None
    assert found.text.startswith("first")
    assert found.text.endswith("last")
    assert len(found.text) == 1001


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("parse_record(src/cart.py)", "parse record src cart py"),
        ("getUserName in HTTPServer", "getUserName in HTTPServer get User Name HTTP Server"),
        ("Fix THE Größe", "Fix THE Größe"),
        ("caf\u0065\u0301", "café"),
        ("価格は", "価 格 は"),
        ("a" * 90, "a" * 64),
    ],
)
def test_names_and_paths_are_indexed_by_their_parts(text: str, tokens: str) -> None:
    assert index_text(text) == tokens


def test_a_pasted_log_is_not_indexed_to_its_end() -> None:
    assert "needle" not in index_text(f"{'x' * MOST_CHARS} needle")


def test_a_text_without_words_is_not_indexed() -> None:
    assert index_entry(UserPrompt(text="?!")) is None


@given(st.text(max_size=60))
def test_any_text_is_found_by_its_own_words(text: str) -> None:
    """The tokenizer of SQLite and ours need not agree on every character: both sides of a search pass through both."""
    tokens = index_text(text)
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE s USING fts5(t, content='', tokenize='unicode61 remove_diacritics 2')")
    db.execute("INSERT INTO s(rowid, t) VALUES (1, ?)", (tokens,))
    for word in words(text):
        if db.execute("SELECT count(*) FROM s WHERE s MATCH ?", (f'"{word}"',)).fetchone() != (1,):
            assert not any(char.isascii() for char in word)
    db.close()
