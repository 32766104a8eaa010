"""Pieces of a document, and how they fit into a budget of tokens: by rank, shortened or left out if need be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from carryover.redact import CleanText


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One line or block. The higher its `rank`, the sooner it is left out; rank 0 always stays."""

    section: str
    text: CleanText
    rank: int
    label: str
    """Name of the piece in the list of what was left out; pieces with the same label are counted together."""
    shorter: CleanText | None = None
    """Shorter text that takes its place if it is too long."""
    share: float = 0.4
    """Of the budget, the most that it may take in its full form: one file must not take the place of all others."""
    part: str = "a part"
    """The part of it that `shorter` holds."""
    path: str | None = None
    """The file that it shows."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """The pieces that fit, in the order given. `shortened` are those of `kept` that are shown in their shorter form."""

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


_WORD: Final = re.compile(r"[A-Za-z]+")
_BLANKS: Final = re.compile(r"\s*\n\s*|[ \t]{2,}|\t")
_BLANK: Final = re.compile(r"\s")
_LETTERS_PER_TOKEN: Final = 5
_WIDE: Final = 0x2E80
_ASTRAL: Final = 0x10000


def tokens_in(text: str, *, percent: int = 100) -> int:
    """About as many tokens as a model counts, rather too many than too few, since no tokenizer is at hand.

    Five letters begun are one token, each digit and each sign is one, a line end with the indentation after it is one,
    and so are several spaces; single spaces are free. Of other alphabetic scripts three signs are two tokens, of wide
    ones (Chinese, Japanese, Korean) each sign is one, of those beyond the basic plane (emoji) each is two. `percent`:
    what the models of a chat count if the rule says 100.

    The sum over the lines of a text is never less than that of the whole.
    """
    words = [len(word) for word in _WORD.findall(text)]
    count = sum((length + _LETTERS_PER_TOKEN - 1) // _LETTERS_PER_TOKEN for length in words)
    count += len(_BLANKS.findall(text))
    plain = text if text.isascii() else "".join(sign for sign in text if sign < "\x80")
    count += len(plain) - sum(words) - len(_BLANK.findall(plain))
    if plain is not text:
        codes = [ord(sign) for sign in text if sign >= "\x80"]
        wide = sum(code >= _WIDE for code in codes)
        count += wide + sum(code >= _ASTRAL for code in codes) + ((len(codes) - wide) * 2 + 2) // 3
    return (count * percent + 99) // 100
