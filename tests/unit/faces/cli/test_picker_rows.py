from __future__ import annotations

import pytest

from carryover.faces.cli.picker_rows import LIT, Row, keys_row, list_rows, with_places_lit
from carryover.ledger.search_text import terms_of
from carryover.past.live_preview import Item
from carryover.past.live_search import Listing, ListQuery

NOW_MS = 1_800_000_000_000


def listing(*texts: str, typed: str = "disc", project_id: int | None = None) -> Listing:
    items = (
        Item(
            session=f"s{number}",
            agent="one",
            root="/home/ada/shop",
            at_ms=NOW_MS - number * 60_000,
            kind="prompt",
            by="Agent One",
            project="~/shop",
            line=text,
        )
        for number, text in enumerate(texts, start=1)
    )
    return Listing(ListQuery(typed, project_id=project_id), tuple(items), terms_of(typed))


def text_of(row: Row) -> str:
    return "".join(text for _, text in row)


@pytest.mark.parametrize(
    ("width", "project_id", "text"),
    [
        (80, None, "Agent One  ~/shop  1 min ago  Add a Discount, not a miscdisc"),
        (80, 7, "Agent One  1 min ago  Add a Discount, not a miscdisc"),
        (120, 7, "Agent One  1 min ago  prompt  Add a Discount, not a miscdisc"),
        (45, None, "1 min ago  Add a Discount, not a miscdisc"),
    ],
)
def test_a_row_says_as_much_as_has_room(width: int, project_id: int | None, text: str) -> None:
    row = list_rows(listing("Add a Discount, not a miscdisc", project_id=project_id), width, NOW_MS)[0]

    assert text_of(row) == text
    assert [piece for style, piece in row if style == LIT] == ["Disc"]


def test_of_a_long_text_the_part_with_the_words_is_listed_and_all_begin_in_one_column() -> None:
    rows = list_rows(listing("A long text with many words before the last", "short", typed="last"), 40, NOW_MS)

    assert [text_of(row) for row in rows] == ["1 min ago  … many words before the last", "2 min ago  short"]
    assert list_rows(listing(), 40, NOW_MS) == []


def test_words_are_lit_on_top_of_a_style() -> None:
    assert with_places_lit("add a cart", [(4, 5)], "bold") == [
        ("bold", "add "),
        (f"bold {LIT}", "a"),
        ("bold", " cart"),
    ]


def test_as_many_keys_are_named_as_have_room() -> None:
    assert [keys_row(["enter show", "q quit"], width) for width in (40, 12, 7)] == [
        "enter show · q quit",
        "enter show",
        "enter…",
    ]
