"""How long a handoff may be that a user asks for."""

from __future__ import annotations

import re

from carryover.distill.handoff import LEAST_TOKENS, MAX_TOKENS, MOST_TOKENS

__all__ = ["LEAST_TOKENS", "MAX_TOKENS", "MOST_TOKENS"]


def is_budget(tokens: int) -> bool:
    """Whether a handoff can be made for so many tokens."""
    return LEAST_TOKENS <= tokens <= MOST_TOKENS


def budget_of(text: str) -> int:
    """Parses the budget of a handoff, in tokens: `5000`, `5,000`. Raises ValueError, which says what is possible."""
    digits = text.replace(",", "").replace("_", "")
    number = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else 0
    if not is_budget(number):
        raise ValueError(f"must be a number from {LEAST_TOKENS:,} to {MOST_TOKENS:,}")
    return number
