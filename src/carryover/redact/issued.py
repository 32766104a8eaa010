"""Tokens that carry their issuer's mark, as `issued.txt` lists them."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple


class Form(NamedTuple):
    """A form of token. `hint` is a part of every such token that is quick to search for.

    The whole match is the secret, or its only group if a part of it is kept. Each pattern begins with literal letters,
    and nothing that follows an unbounded run can fail, so no form takes more than linear time.
    """

    kind: str
    hint: str
    pattern: re.Pattern[str]


def _edged(prefix: str) -> str:
    r"""Returns `prefix` as a pattern for a word start; a literal `\n`, `\r` or `\t` before it is allowed."""
    return rf"{prefix}(?:(?<![0-9A-Za-z]{prefix})|(?<=\\[nrt]{prefix}))"


def _read(part: str) -> Iterator[tuple[str, str, str]]:
    for line in part.strip().splitlines():
        kind, prefix, rest = line.split(" ", 2)
        yield kind, prefix, rest


_, _FORMS, _ANYWHERE = (pkgutil.get_data(__name__, "issued.txt") or b"").decode().split("\n\n")


def _any_of(words: Iterable[str]) -> str:
    """Returns a pattern for any of `words` that compares each letter of a text once, not once per word."""
    by_first: dict[str, list[str]] = {}
    for word in words:
        by_first.setdefault(word[:1], []).append(word[1:])
    if "" in by_first:  # a word ends here, so those that continue it need not be looked for
        return ""
    branches = [re.escape(first) + _any_of(rest) for first, rest in sorted(by_first.items())]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


_JWT: Final = (
    r"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrt]eyJ))(?a:[\w-]{7,}+\."
    r"(?:eyJ[\w-]{4,}+(?:\.[\w-]*+)?|[\w-]*+\.[\w-]{10,}+(?:\.[\w-]{10,}+){0,2}))"
)

_ANYWHERE_FORMS: Final = (
    *(Form(kind, hint, re.compile(pattern)) for kind, hint, pattern in _read(_ANYWHERE)),
    Form("jwt", "eyJ", re.compile(_JWT)),
)
_PREFIXED: Final = tuple(
    Form(kind, prefix, re.compile(_edged(re.escape(prefix)) + rest)) for kind, prefix, rest in _read(_FORMS)
)
_BEGINS: Final = re.compile(rf"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))(?=({_any_of(form.hint for form in _PREFIXED)}))")


def possible_forms(words: str) -> Iterator[Form]:
    """Yields the forms whose tokens `words` may hold. A single search finds all prefixes, more than a hundred."""
    yield from (form for form in _ANYWHERE_FORMS if form.hint in words)
    for found in dict.fromkeys(_BEGINS.findall(words)):
        yield from _beginning_with(found)


@cache  # of the beginnings that `_BEGINS` finds
def _beginning_with(found: str) -> tuple[Form, ...]:
    return tuple(form for form in _PREFIXED if form.hint.startswith(found))
