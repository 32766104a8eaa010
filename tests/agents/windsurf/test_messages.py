"""What the model said of a turn, out of the Markdown that tells the whole turn."""

from __future__ import annotations

from carryover.agents.windsurf.parse import said_in

TURN = """### User Input

Where are the largest files?

*User accepted the command `find . -size +1M`*

### Planner Response

I will look at them.

*Viewed [checkout.js](file:///home/dev/shop/checkout.js) *

*Edited relevant file*

### Planner Response

The largest is [checkout.js](cci:7://file:///home/dev/shop/checkout.js:0:0-0:0):

### Sizes
*important*: 940 lines.
"""


def test_only_the_model_s_own_words_are_taken() -> None:
    assert said_in(TURN) == (
        "I will look at them.",
        "The largest is checkout.js:\n\n### Sizes\n*important*: 940 lines.",
    )
