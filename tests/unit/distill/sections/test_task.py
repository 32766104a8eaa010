"""What stands under Task."""

from __future__ import annotations

from support.conversation import session, under


def test_a_line_of_a_long_order_outlasts_calls_that_name_more() -> None:
    rulings = [f"Say in each case {number} why it is so, and do not cut it." for number in range(40)]
    talk = session("s1").user("\n\n".join(rulings))
    for number in range(30):
        talk.ran(f"./build.sh out{number}/cart{number}.py", " ".join(f"lib{number}/tax{at}.py" for at in range(30)))
    text = under("Task", talk.says("Done."))

    assert all(ruling in text for ruling in rulings)
