from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from carryover.ledger.search_text import terms_of
from carryover.past.search_records import Line, Preview
from carryover.past.search_rows import (
    LIT,
    Row,
    filter_row,
    keys_row,
    list_rows,
    note_row,
    other_rows,
    row_bounds,
    title_row,
    turn_rows,
    word_places,
)
from carryover.past.search_state import SearchState, answered, pressed
from carryover.terminal.output import columns
from support.search_items import NOW_MS, item, listing, state

LONG = "Reformulate everything according to considerations of maintainability 設計を見直す " * 8


def text_of(row: Row) -> str:
    return "".join(text for _, text in row)


def lit_in(row: Row) -> list[str]:
    return [text for style, text in row if LIT in style]


def found(typed: str, *texts: str, **others: Any) -> SearchState:
    items = (item(number, text, **others) for number, text in enumerate(texts, start=1))
    return answered(state(), listing(typed, *items))


def preview(model: SearchState, *lines: str, match: int = 0, title: str = "") -> Preview:
    assert model.item is not None and model.listing is not None
    places = [tuple(word_places(line, model.listing.terms)) for line in lines]
    return Preview(model.item, title, tuple(map(Line, lines, places)), match)


def test_a_hit_is_listed_with_when_whose_and_its_words_lit() -> None:
    rows = list_rows(found("disc", "Add a Discount, not a miscdisc", "nothing"), 80, NOW_MS)

    assert text_of(rows[0]) == "Agent One  ~/shop  1 min ago  Add a Discount, not a miscdisc"
    assert lit_in(rows[0]) == ["Disc"]
    assert {style.partition(" ")[0] for style, _ in rows[0]} == {"reverse"}
    assert rows[1] == [("", "Agent One  ~/shop  2 min ago  "), ("", "nothing")]


def test_on_a_narrow_terminal_the_time_alone_stands_before_a_hit() -> None:
    model = found("last", "A long text with many words before the last")

    assert text_of(list_rows(model, 40, NOW_MS)[0]) == "1 min ago  … many words before the last"
    assert lit_in(list_rows(model, 40, NOW_MS)[0]) == ["last"]
    assert text_of(list_rows(model, 120, NOW_MS)[0]).startswith("Agent One  ~/shop  1 min ago  prompt  A long")
    early = found("long", "A long text with many words before the last")
    assert text_of(list_rows(early, 40, NOW_MS)[0]) == "1 min ago  A long text with many words…"


def test_parts_of_names_are_lit_but_not_the_middle_of_words() -> None:
    assert word_places("superuser user_id", terms_of("user")) == [(10, 14)]
    assert word_places("getUserName superuser", terms_of("user")) == [(3, 7)]
    assert word_places("設計を", terms_of("計")) == [(1, 2)]


@pytest.mark.parametrize("width", [40, 200])
@pytest.mark.parametrize("keys", [[], ["tab"], ["f1"], ["down", "x"], ["down"], ["alt-c"]])
def test_nothing_is_wider_than_the_terminal(width: int, keys: list[str]) -> None:
    model = found("consider 見", LONG, f"{LONG}\x00", agent="two")
    for key in keys:
        outcome = pressed(model, key)
        assert isinstance(outcome, SearchState)
        model = outcome
    shown = preview(model, LONG, f"      {LONG}", "x" * 500, title=LONG)
    model = replace(model, preview=shown)
    rows = [
        *list_rows(model, width, NOW_MS),
        *turn_rows(shown, width).rows,
        *other_rows(model, width).rows,
        *(draw(model, width) for draw in (filter_row, note_row, title_row, keys_row)),
    ]

    assert max(columns(text_of(row)) for row in rows) <= width


def test_the_turn_begins_near_the_match_and_stops_at_its_ends() -> None:
    model = found("discount", "a discount")
    turn = turn_rows(preview(model, *map(str, range(20)), "a discount", *map(str, range(20)), match=20), 40)

    assert [text_of(row) for row in turn.rows[turn.first : turn.first + 3]] == ["18", "19", "a discount"]
    assert lit_in(turn.rows[20]) == ["discount"]
    assert (turn.top(0, 10), turn.top(-100, 10), turn.top(100, 10)) == (18, 0, 31)


def test_a_long_line_is_broken_between_words_and_shown_from_the_row_that_matches() -> None:
    model = found("discount", "a discount")
    turn = turn_rows(preview(model, f"  {'no word ' * 30}and a discount"), 20)

    assert text_of(turn.rows[0]) == "  no word no word no"
    assert text_of(turn.rows[1]) == "  word no word no"
    assert lit_in(turn.rows[turn.first + 2]) == ["discount"]
    assert list(row_bounds("", 20)) == [(0, 0)]


def test_the_filters_say_what_they_are_set_to_and_which_the_arrows_change() -> None:
    model = pressed(found("disc", "a discount"), "tab")
    assert isinstance(model, SearchState)

    assert text_of(filter_row(model, 80)) == "‹ agent: any › · project: all · day: any · 1 hit …"
    assert text_of(filter_row(model, 30)) == "‹ agent: any › · 1 hit …"
    assert filter_row(model, 20) == [("reverse", "‹ agent: any ›")]
    assert text_of(filter_row(replace(model, filter_at=None), 30)) == "1 hit …"


def test_how_much_was_found_is_said_once_it_is_known() -> None:
    asked = pressed(state(), "d")
    assert isinstance(asked, SearchState)
    answer = listing("d", item(1, "a discount"))

    assert text_of(filter_row(asked, 80)).endswith("day: any · …")
    assert text_of(filter_row(answered(asked, answer), 80)).endswith("day: any · 1 hit")
    assert text_of(filter_row(answered(asked, answer._replace(more=True)), 80)).endswith("· more than 1 hit")


def test_a_note_says_in_what_way_the_list_is_not_what_was_asked_for() -> None:
    model = answered(state(), listing("", note="No entry has all of these words."))

    assert text_of(note_row(model, 20)) == "No entry has all of…"
    assert text_of(list_rows(model, 80, NOW_MS)[0]) == "Nothing that is recorded matches."
