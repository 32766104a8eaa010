"""How long a handoff may be that a user asks for."""

from __future__ import annotations

import re

from carryover.distill.handoff import LEAST_TOKENS, MOST_TOKENS


def budget_of(text: str) -> int:
    """Parses the budget of a handoff, in tokens: `5000`, `5,000`. Raises ValueError, which says what is possible."""
    digits = text.replace(",", "").replace("_", "")
    number = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else 0
    if not LEAST_TOKENS <= number <= MOST_TOKENS:
        raise ValueError(f"must be a number from {LEAST_TOKENS:,} to {MOST_TOKENS:,}")
    return number
