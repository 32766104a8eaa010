"""What is done in the project: an edit that works, one that does not, tests that fail."""

from __future__ import annotations

from typing import Final

FILES: Final = {
    ".gitignore": ".aider*\n",
    "pricing.py": "def discount(price, percent):\n    return price - price * percent / 100\n",
    "test_pricing.py": (
        "import unittest\nfrom pricing import discount\n\n\nclass PricingTest(unittest.TestCase):\n"
        "    def test_whole(self):\n        self.assertIsInstance(discount(999, 10), int)\n"
    ),
    "docs/notes.md": "nothing\n",
}
TASK: Final = "Make discount() in pricing.py return whole cents, never floats"
LAST_WORDS: Final = "discount() returns whole cents now. Next I would round the total in cart.py."


def edit(old: str, new: str, words: str = LAST_WORDS) -> str:
    """An answer with one edit of pricing.py."""
    return f"{words}\n\npricing.py\n```python\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"


GOOD: Final = edit("    return price - price * percent / 100", "    return price * (100 - percent) // 100")
BAD: Final = edit("    return int(price)", "    return 0", "I will change it.")
