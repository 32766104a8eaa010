from __future__ import annotations

from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.work.state import Item

ITEM = Item(text="weigh it", at_ms=7, session="s1", turn=3, rule="newest request", names=("flour",), weight=2.0)


def test_an_entry_of_an_item_keeps_where_it_came_from() -> None:
    assert entry_of(ITEM) == Entry(text="weigh it", rule="newest request", session="s1", turn=3, at_ms=7)


def test_it_may_say_it_in_other_words_or_by_another_rule() -> None:
    assert entry_of(ITEM, "Then: weigh it", rule="order not carried out") == Entry(
        text="Then: weigh it", rule="order not carried out", session="s1", turn=3, at_ms=7
    )
    assert entry_of(ITEM, "").text == ""
