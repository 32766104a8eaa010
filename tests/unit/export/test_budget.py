from __future__ import annotations

from carryover.export.pieces import Piece, fitted
from carryover.redact import CleanText


def piece(text: str, rank: int, *, section: str = "s", shorter: str | None = None, share: float = 1.0) -> Piece:
    short = CleanText(shorter) if shorter is not None else None
    return Piece(section=section, text=CleanText(text), rank=rank, label=text, shorter=short, share=share)


def words(text: str) -> int:
    return len(text.split())


def texts(found: tuple[tuple[Piece, CleanText], ...]) -> list[str]:
    return [text for _, text in found]


def test_what_has_the_highest_rank_goes_first_and_order_stays() -> None:
    found = fitted([piece("old old old", 9), piece("new new", 1), piece("newest", 0)], budget=5, cost=words)

    assert texts(found.kept) == ["new new", "newest"]
    assert [left.label for left in found.dropped] == ["old old old"]
    assert found.used == 5  # with the heading, which is counted once


def test_what_room_is_left_in_the_end_goes_to_what_is_shown_in_part() -> None:
    pieces = [piece("a b c d e f", 1, shorter="a b", share=0.5), piece("g", 2)]

    assert texts(fitted(pieces, budget=10, cost=words).kept) == ["a b c d e f", "g"]
