"""Pieces of a document, and how they fit into a budget of tokens: by rank, shortened or left out if need be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from carryover.redact import CleanText


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One line or block. The higher its `rank`, the sooner it is left out; rank 0 always stays."""

    section: str
    text: CleanText
    rank: int
    label: str
    """What it is called where it was left out; pieces with the same label are counted together."""
    shorter: CleanText | None = None
    """What takes its place where it is too long."""
    share: float = 0.4
    """Of the budget, the most that it may take in its full form: one file must not take the place of all others."""
    part: str = "a part"
    """What `shorter` holds of it."""
    path: str | None = None
    """The file that it shows."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What fits, in the order given. `shortened` are those of `kept` that are shown in their shorter form."""

    kept: tuple[tuple[Piece, CleanText], ...]
    shortened: tuple[Piece, ...]
    dropped: tuple[Piece, ...]
    used: int
    """Tokens of the kept pieces with the headings of their sections."""


def fitted(pieces: Sequence[Piece], *, budget: int, cost: Callable[[str], int]) -> Fitted:
    """The pieces that fit into `budget` tokens as `cost` counts them, taken by rank; those of rank 0 in any case."""
    ranked = sorted(enumerate(pieces), key=lambda item: (item[1].rank, item[0]))
    chosen: dict[int, CleanText] = {}
    opened: set[str] = set()
    used = 0
    for number, piece in ranked:
        heading = 0 if piece.section in opened else cost(f"## {piece.section}\n\n")
        for text, price in ((form, cost(f"{form}\n\n")) for form in _forms(piece)):
            too_large = text is not piece.shorter and piece.shorter is not None and price > budget * piece.share
            if piece.rank == 0 or (used + heading + price <= budget and not too_large):
                chosen[number] = text
                opened.add(piece.section)
                used += heading + price
                break
    for number, piece in ranked:  # what room is left goes to those that are shown in part
        if number in chosen and chosen[number] is piece.shorter:
            more = cost(f"{piece.text}\n\n") - cost(f"{piece.shorter}\n\n")
            if used + more <= budget:
                chosen[number] = piece.text
                used += more
    return Fitted(
        kept=tuple((piece, chosen[number]) for number, piece in enumerate(pieces) if number in chosen),
        shortened=tuple(
            piece for number, piece in enumerate(pieces) if number in chosen and chosen[number] is piece.shorter
        ),
        dropped=tuple(piece for number, piece in enumerate(pieces) if number not in chosen),
        used=used,
    )


def _forms(piece: Piece) -> Iterable[CleanText]:
    return (piece.text,) if piece.shorter is None or piece.rank == 0 else (piece.text, piece.shorter)
