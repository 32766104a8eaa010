from __future__ import annotations

import msgspec

from carryover.records.asked import checklist, plan_items
from support.costs import costing_little


def test_a_plan_has_no_cancelled_entry_and_none_without_words() -> None:
    raw = msgspec.Raw(b'[{"a":"Cap","status":"cancelled"},{"a":""},{"a":"Tax","status":"completed"}]')

    assert [(item.text, item.state) for item in plan_items(raw, "a")] == [("Tax", "done")]


def test_an_entry_with_many_blanks_costs_no_time() -> None:
    with costing_little():
        assert len(checklist(f"- [ ] Cap{' ' * 20_000}it \r\n")) == 1
