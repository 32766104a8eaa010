from __future__ import annotations

from carryover.text.lines import one_line


def test_white_space_of_any_kind_becomes_one_blank() -> None:
    assert one_line(" Add a\r\n\tdiscount\u2028to\x0b the\u3000cart \n") == "Add a discount to the cart"
