from __future__ import annotations

import msgspec

from carryover.records.asked import plan_items


def test_a_plan_has_no_cancelled_entry_and_none_without_words() -> None:
    raw = msgspec.Raw(b'[{"a":"Cap","status":"cancelled"},{"a":""},{"a":"Tax","status":"completed"}]')

    assert [(item.text, item.state) for item in plan_items(raw, "a")] == [("Tax", "done")]
