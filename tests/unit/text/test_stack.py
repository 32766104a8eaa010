"""Which lines are of a stack, and how much of it is kept."""

from __future__ import annotations

import pytest

from carryover.text.stack import is_frame, without_deep_frames


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("\tat org.shop.Cart.total(Cart.java:19)", True),
        ("\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511) ~[na:na]", True),
        ("\t... 23 more", True),
        ("   at Shop.Cart.Total(String name, Int32 cents) in /shop/Cart.cs:line 12", True),
        ("   at Shop.Cart.<Total>d__3`1.MoveNext()", True),
        ("--- End of stack trace from previous location where exception was thrown ---", True),
        ("    at async Cart.total (file:///shop/cart.js:3:5)", True),
        ("    at Object.total [as sum] (/shop/app/(cart)/page.tsx:3:4)", True),
        ("    at /shop/cart.js:3:5", True),
        ("at the end (as always) it rounds", False),
        ("at 12:30 the shop closes", False),
        ("Caused by: org.shop.RateException: no rate", False),
        ("... and 3 more files", False),
    ],
)
def test_lines_of_a_stack_are_known_by_their_form(line: str, is_one: bool) -> None:
    assert is_frame(line) is is_one


def test_the_innermost_frames_of_each_stack_stay() -> None:
    def stack(of: str) -> list[str]:
        return [f"\tat org.shop.{of}.step{step}(Cart.java:{step})" for step in range(9)]

    text = "\n".join(("no cents", *stack("cart"), "Caused by: no rate", *stack("rates"), "\t... 7 more", "FAILED"))
    cart, rates = stack("cart")[:2], stack("rates")[:2]

    assert without_deep_frames(text).splitlines() == [
        *("no cents", *cart, "…", "Caused by: no rate", *rates, "…", "FAILED"),
    ]
    assert without_deep_frames("it rounds at the end") == "it rounds at the end"
