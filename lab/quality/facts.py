"""What a successor needs: the particulars in its later calls that it could only know from what came before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Final

_TOKEN: Final = re.compile(r"[\w@./+~:-]+")
_EDGES: Final = ".,:;/+~@-_"
_SHORTEST: Final = 4
_LONGEST: Final = 80
_SHORTEST_WORD: Final = 5
_EVERYWHERE: Final = 0.2
"""A fact in the sessions of more than this share of the repositories says nothing about any one of them."""


def facts(text: str) -> frozenset[str]:
    """Returns the names, paths, numbers, identifiers and longer words in a text, in small letters.

    A path counts by its last part, since one writer gives it whole and another from the project's folder.
    """
    found = (_fact(token) for token in _TOKEN.findall(text))
    return frozenset(fact for fact in found if fact)


def needed(before: Set[str], calls: Set[str], given: Set[str], common: Set[str]) -> frozenset[str]:
    """Returns the facts in later calls that had been seen before, which the user does not give and which are rare."""
    return frozenset((calls & before) - given - common)


def held(wanted: Set[str], text: str) -> float:
    """Returns the share of the wanted facts that a text holds."""
    return len(wanted & facts(text)) / len(wanted)


def common_facts(by_repository: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Returns the facts that are in the sessions of many repositories: commands, options, languages."""
    counts = Counter(fact for found in by_repository.values() for fact in set(found))
    most = max(2.0, _EVERYWHERE * len(by_repository))
    return frozenset(fact for fact, count in counts.items() if count > most)


def _fact(token: str) -> str:
    last = token.strip(_EDGES).rsplit("/", 1)[-1].strip(_EDGES).casefold()
    if not _SHORTEST <= len(last) <= _LONGEST:
        return ""
    return last if len(last) >= _SHORTEST_WORD or not last.isalpha() else ""
