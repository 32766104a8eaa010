"""Some work for Gemini CLI: a project, and what a scripted model does in it."""

from __future__ import annotations

from typing import Any, Final

from real_agents.gemini_cli.client import GeminiBox
from real_agents.lab import product

TASK: Final = "Make a pear cost as much as an apple"
LOOKING: Final = "I run the tests first."
QUESTION: Final = "Should a plum cost two coins as well?"
LAST_WORDS: Final = f"A pear costs two coins now, and the test passes. {QUESTION}"
FILES: Final = {
    "prices.py": "APPLE = 2\nPEAR = 1\n",
    "stock.py": "PEARS = 30\n",
    "test_prices.py": (
        "import unittest\n\nimport prices\n\n\nclass PricesTest(unittest.TestCase):\n"
        "    def test_a_pear_costs_as_much(self):\n        self.assertEqual(prices.PEAR, prices.APPLE)\n"
    ),
    "sub/notes.txt": "nothing\n",
}
TESTS: Final = f"{product.PYTHON} -m unittest test_prices"
FAILING: Final = "test_a_pear_costs_as_much"

LIMIT: Final = {"error": {"status": 429, "message": "You exceeded your current quota.", "quota": "day"}}
"""What the API answers when the quota of the day is used up; not tried again by the client."""


def replace(file: str, old: str, new: str) -> dict[str, Any]:
    return {"tool": ["replace", {"file_path": file, "instruction": "edit", "old_string": old, "new_string": new}]}


def write(file: str, content: str) -> dict[str, Any]:
    return {"tool": ["write_file", {"file_path": file, "content": content}]}


def steps() -> list[Any]:
    """What the model does for the task: a failing test, a failed edit, two that work, a passing test, last words."""
    return [
        [LOOKING, {"shell": TESTS}],
        replace("stock.py", "PEARS = 7", "PEARS = 8"),
        replace("prices.py", "PEAR = 1", "PEAR = 2"),
        write("NOTES.md", "A pear costs as much as an apple.\n"),
        {"shell": TESTS},
        LAST_WORDS,
    ]


def do_the_work(gemini: GeminiBox) -> None:
    """A session in the project."""
    gemini.script(*steps())
    gemini.ask(TASK)
