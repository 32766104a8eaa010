"""What the model said of a turn, out of the Markdown that tells the whole turn."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("text", ["Done. Next I will add a test.", "## Plan\n\n1. Round it.", "### Sizes\nmany"])
def test_a_text_without_such_headings_is_taken_whole(text: str) -> None:
    assert said_in(text) == (text,)


@pytest.mark.parametrize("text", ["", " \n", "### Planner Response\n\n", "### User Input\n\nHello"])
def test_nothing_said_is_nothing(text: str) -> None:
    assert said_in(text) == ()
