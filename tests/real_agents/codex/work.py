"""Some work for Codex: a project, and what a scripted model does in it."""

from __future__ import annotations

import time
from typing import Any, Final

from real_agents.codex.client import CodexBox
from real_agents.lab import product
from real_agents.lab.box import HOME

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

FAILED_PATCH: Final = """*** Begin Patch
*** Update File: stock.py
@@
-PEARS = 7
+PEARS = 8
*** End Patch"""
"""No line of the project is like that, and no later patch makes up for it."""
GOOD_PATCH: Final = """*** Begin Patch
*** Update File: prices.py
@@
-PEAR = 1
+PEAR = 2
*** Add File: NOTES.md
+A pear costs as much as an apple.
*** End Patch"""

LIMIT: Final = {
    "error": {
        "status": 429,
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": "plus",
        "resets_at": int(time.time()) + 5400,
    }
}
"""What a plan's service answers when its window is used up; not tried again by the client."""

DECOY: Final = HOME / "shop2"
DECOY_WORDS: Final = ("QUOKKA", "okapi.py", "axolotl", "shop2")
"""Words of another project, which must not appear in this one. Its path begins like this one's."""


def steps() -> list[Any]:
    """What the model does for the task: a failing test, a failed patch, a good one, a passing test, its last words."""
    return [
        [LOOKING, {"shell": TESTS}],
        {"patch": FAILED_PATCH},
        {"patch": GOOD_PATCH},
        {"shell": TESTS},
        LAST_WORDS,
    ]


def do_the_work(codex: CodexBox) -> None:
    """A session in the project."""
    codex.script(*steps())
    codex.exec(TASK)


def do_decoy_work(codex: CodexBox) -> None:
    """A session in another project, with words of its own."""
    codex.make_project({"main.py": "print(1)\n"}, DECOY)
    add = "*** Begin Patch\n*** Add File: okapi.py\n+print(2)\n*** End Patch"
    codex.script({"patch": add}, "Is the axolotl in okapi.py awake?")
    codex.exec("Feed the QUOKKA", cwd=DECOY)
