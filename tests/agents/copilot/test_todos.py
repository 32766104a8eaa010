"""Todo lists, from SQL and from Markdown."""

from __future__ import annotations

import pytest

from carryover.agents.copilot.todos import Todo, after_sql

CART, TESTS = Todo("cart", "Add the cart"), Todo("tests", "Test it, don't guess")
INSERT = "INSERT INTO todos (id, title, status) VALUES ('cart', 'Add the cart', 'pending')"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (INSERT, (CART,)),
        (f"{INSERT}, ('tests', 'Test it, don''t guess', 'pending');", (CART, TESTS)),
        (f"insert or replace into todos (title, id) values ('Add the cart', 'cart'); {INSERT}", (CART,)),
        ("INSERT INTO todos (id, description) VALUES ('cart', 'Add the cart')", (CART,)),
        ("INSERT INTO todos (id, title) VALUES ('cart', (SELECT title FROM old))", ()),
        ("INSERT INTO todos SELECT * FROM old", ()),
        ("INSERT INTO todo_deps (todo_id, depends_on) VALUES ('a', 'b')", ()),
        ("INSERT INTO todos (id, title) VALUES ('cart', 'Add; (and) test')", (Todo("cart", "Add; (and) test"),)),
        ("INSERT INTO todos (id, title) VALUES ('torn", ()),
    ],
)
def test_what_is_inserted(query: str, expected: tuple[Todo, ...]) -> None:
    assert after_sql((), query) == expected


@pytest.mark.parametrize(
    ("query", "states"),
    [
        ("UPDATE todos SET status = 'in_progress' WHERE id = 'cart'", ["active", "pending"]),
        (
            "UPDATE todos SET status='done', updated_at=CURRENT_DATE WHERE id IN ('cart', 'tests')",
            ["done", "done"],
        ),
        ("UPDATE todos SET status = 'done'", ["done", "done"]),
        ("UPDATE todos SET status = 'done' WHERE title LIKE '%cart%'", ["pending", "pending"]),
        ("UPDATE todos SET status = 'blocked' WHERE id = 'cart'; SELECT 1", ["pending", "pending"]),
        ("DELETE FROM todos WHERE id = 'cart'", ["pending"]),
        ("DELETE FROM todos", []),
        ("DELETE FROM todos WHERE status = 'done'", ["pending", "pending"]),
        ("SELECT * FROM todos", ["pending", "pending"]),
    ],
)
def test_what_is_changed(query: str, states: list[str]) -> None:
    assert [todo.state for todo in after_sql((CART, TESTS), query)] == states
