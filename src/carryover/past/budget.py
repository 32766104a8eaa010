"""How long a handoff may be that a user asks for."""

from __future__ import annotations

import re
from typing import Final

from carryover.distill.handoff import LEAST_TOKENS, MAX_TOKENS, MOST_TOKENS

USUAL: Final = MAX_TOKENS
"""The budget of a handoff for which none was asked, in tokens."""
LEAST: Final = LEAST_TOKENS
MOST: Final = MOST_TOKENS


def is_budget(tokens: int) -> bool:
    """Whether a handoff can be made for so many tokens."""
    return LEAST <= tokens <= MOST


def budget_of(text: str) -> int:
    """Parses the budget of a handoff, in tokens: `5000`, `5,000`. Raises ValueError, which says what is possible."""
    digits = text.replace(",", "").replace("_", "")
    number = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else 0
    if not is_budget(number):
        raise ValueError(f"must be a number from {LEAST:,} to {MOST:,}")
    return number
