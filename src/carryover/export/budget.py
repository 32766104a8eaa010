"""Fits the pieces of a document into a token budget: by rank, shortened or left out if necessary."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from carryover.redact import CleanText


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One line or block. The higher its `rank`, the sooner it is left out; rank 0 is always kept."""

    section: str
    text: CleanText
    rank: int
    label: str
    """Name of the piece in the list of omissions; pieces with the same label are counted together."""
    shorter: CleanText | None = None
    """Text to use instead if the piece is too long."""
    share: float = 0.4
    """Maximum share of the budget for its full form, so that one file does not displace all others."""
    part: str = "a part"
    """Describes the part that `shorter` contains."""
    path: str | None = None
    """The file that the piece shows."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """The pieces that fit, in their original order. `shortened`: those of `kept` in their shorter form."""

    kept: tuple[tuple[Piece, CleanText], ...]
    shortened: tuple[Piece, ...]
    dropped: tuple[Piece, ...]
    used: int
    """Tokens used by the kept pieces and their section headings."""


def fitted(pieces: Sequence[Piece], *, budget: int, cost: Callable[[str], int]) -> Fitted:
    """Returns the pieces that fit into `budget` tokens as counted by `cost`, by rank; rank 0 always fits."""
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
    for number, piece in ranked:  # remaining space goes to pieces that can be shortened
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
    """Estimates the number of tokens in a text, rather too high than too low, since no tokenizer is available.

    Every five letters begun are one token, each digit and each sign is one, a line end with the following indentation
    is one, and so are several spaces; single spaces are free. In other alphabetic scripts, three characters are two
    tokens; wide characters (Chinese, Japanese, Korean) are one each, and those beyond the basic plane (emoji) two each.
    `percent`: tokens that the models of a chat count for 100 by this rule.

    The sum over the lines of a text is never less than the estimate for the whole.
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
