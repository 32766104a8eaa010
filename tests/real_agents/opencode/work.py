"""Some work for opencode: a project, and what a scripted model does in it."""

from __future__ import annotations

from typing import Any, Final

from real_agents.lab import product
from real_agents.opencode.client import PROJECT, OpencodeBox

TASK: Final = "Make a pear cost as much as an apple"
LOOKING: Final = "I run the tests first."
QUESTION: Final = "Should a plum cost two coins as well?"
LAST_WORDS: Final = f"A pear costs two coins now, and the test passes. {QUESTION}"
FILES: Final = {
    "prices.py": "APPLE = 2\nPEAR = 1\n",
    "test_prices.py": (
        "import unittest\n\nimport prices\n\n\nclass PricesTest(unittest.TestCase):\n"
        "    def test_a_pear_costs_as_much(self):\n        self.assertEqual(prices.PEAR, prices.APPLE)\n"
    ),
    "sub/notes.txt": "nothing\n",
}
TESTS: Final = f"{product.PYTHON} -m unittest test_prices"
FAILING: Final = "test_a_pear_costs_as_much"
LIMIT: Final = {"error": {"status": 402, "message": "You have reached your weekly usage limit"}}
"""Not tried again by the client, unlike 429."""


def shell(command: str) -> dict[str, Any]:
    return {"tool": "bash", "input": {"command": command, "description": "Run it"}}


def look(path: str) -> dict[str, Any]:
    return {"tool": "read", "input": {"filePath": path}}


def edit(path: str, old: str, new: str) -> dict[str, Any]:
    return {"tool": "edit", "input": {"filePath": path, "oldString": old, "newString": new}}


def steps() -> list[Any]:
    """A failing test, a failed edit, a good one, a new file, a todo list, a passing test, the last words."""
    prices = f"{PROJECT}/prices.py"
    todos = [
        {"content": "Change the price", "status": "completed", "priority": "high", "id": "1"},
        {"content": "Ask about plums", "status": "pending", "priority": "low", "id": "2"},
    ]
    return [
        [LOOKING, shell(TESTS)],
        look(prices),
        edit(prices, "PEAR = 7", "PEAR = 8"),
        edit(prices, "PEAR = 1", "PEAR = 2"),
        {"tool": "write", "input": {"filePath": f"{PROJECT}/NOTES.md", "content": "A pear costs two coins.\n"}},
        {"tool": "todowrite", "input": {"todos": todos}},
        shell(TESTS),
        LAST_WORDS,
    ]


def do_the_work(opencode: OpencodeBox) -> None:
    """A session in the project."""
    opencode.script(*steps())
    opencode.run(TASK)
