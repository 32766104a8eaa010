"""What every session of the matrix does, and what of it must reach the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matrix.tool import Ending, Played

GOAL = "Make discount() in pricing.py return whole cents"
RULING = "Never use floats for money"
NEXT = "Next I will round the result in round_cents()."
QUESTION = "Should a negative percentage raise an error?"
FACTS = {
    "goal": GOAL,
    "decision": RULING,
    "edited file": "pricing.py",
    "failing test": "test_discount_is_whole_cents",
    "dead end": "moneylib",
    "open question": QUESTION,
    "next step": "round_cents()",
}
"""Words of each fact, as they must stand in the handoff."""

_FAILED = """\
FAIL: test_discount_is_whole_cents (test_pricing.PricingTest.test_discount_is_whole_cents)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "test_pricing.py", line 7, in test_discount_is_whole_cents
    self.assertIsInstance(discount(999, 10), int)
AssertionError: 899.1 is not an instance of <class 'int'>

----------------------------------------------------------------------
Ran 1 test in 0.000s

FAILED (failures=1)
"""
_NO_SUCH = """\
ERROR: Could not find a version that satisfies the requirement moneylib (from versions: none)
ERROR: No matching distribution found for moneylib
"""


def work(session: Played, project: Path) -> None:
    """Up to the question that ends the turn."""
    session.prompt(f"{GOAL}. {RULING}.")
    session.edit(project / "pricing.py", "return price", "return price * (100 - percent) / 100")
    session.run("python3 -m unittest -q", _FAILED, 1)
    session.run("pip install moneylib", _NO_SUCH, 1)


def play(session: Played, project: Path, ending: Ending, *, before_end: Callable[[], object] | None = None) -> None:
    """The whole of it. Where the session is cut off in mid-turn, it is the user's question that stays open."""
    work(session, project)
    if ending in ("limit", "killed"):
        session.say(f"The test still fails. {NEXT}")
        session.prompt(QUESTION)
    else:
        session.say(f"The test still fails: the result is no whole number. {NEXT} {QUESTION}")
    if before_end is not None:
        before_end()
    session.end(ending)
