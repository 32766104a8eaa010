"""Some work for Copilot: a project, and what a scripted model does in it."""

from __future__ import annotations

from typing import Any, Final

from real_agents.copilot.client import PROJECT, CopilotBox
from real_agents.lab import product
from real_agents.lab.box import HOME

TASK: Final = "Make a pear cost as much as an apple"
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

LIMIT: Final = {
    "error": {"status": 402, "code": "quota_exceeded", "message": "You have exceeded your monthly quota."},
}
"""What the service answers when the month's requests are used up."""

DECOY: Final = HOME / "shop2"
DECOY_WORDS: Final = ("QUOKKA", "okapi.py", "axolotl", "shop2")
"""Words of another project, which must not appear in this one. Its path begins like this one's."""


def edit(name: str, old: str, new: str) -> dict[str, Any]:
    """A reply: an edit of a file of the project."""
    return {"call": "edit", "arguments": {"path": str(PROJECT / name), "old_str": old, "new_str": new}}


def create(path: str, text: str) -> dict[str, Any]:
    """A reply: a new file."""
    return {"call": "create", "arguments": {"path": path, "file_text": text}}


def steps() -> list[Any]:
    """What the model does for the task: a failing test, a failed edit, a good one, a file, a passing test, its last
    words."""
    return [
        {"shell": TESTS},
        edit("stock.py", "PEARS = 7", "PEARS = 8"),
        edit("prices.py", "PEAR = 1", "PEAR = 2"),
        create(str(PROJECT / "NOTES.md"), "A pear costs as much as an apple.\n"),
        {"shell": TESTS},
        LAST_WORDS,
    ]


def do_the_work(copilot: CopilotBox) -> None:
    """A session in the project."""
    copilot.script(*steps())
    copilot.ask(TASK)


def do_decoy_work(copilot: CopilotBox) -> None:
    """A session in another project, with words of its own."""
    copilot.make_project({"main.py": "print(1)\n"}, DECOY)
    copilot.script(create(str(DECOY / "okapi.py"), "print(2)\n"), "Is the axolotl in okapi.py awake?")
    copilot.ask("Feed the QUOKKA", cwd=DECOY)
