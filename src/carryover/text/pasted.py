"""Marks in a prompt what was pasted into it, where a client records that: a fence of tildes, whose first line ends in
`>`. Nobody types one, and it has no word that a search or a name could take for the user's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from carryover.text.harmless import harmless
from carryover.text.pattern import later

_SHORTEST: Final = "~~~"
_QUOTES: Final = " >"
_SAYS_SO: Final = " pasted"
_OPENER: Final = later(r"(/\S{1,80} )?(~{3,}) >")
"""Right behind a command, if that has no other words."""
_TILDE: Final = "~"
_PARAGRAPH: Final = "\n\n"


def as_pasted(text: str, mark: str = _QUOTES) -> str:
    """Returns a pasted text between the two lines that mark it, which are longer than any line of tildes in it, also if
    something else on that line is removed. What is invisible, or ends a line in another way, is gone before."""
    text = harmless(text)
    most = max(line.count(_TILDE) for line in text.split("\n"))
    fence = _TILDE * max(len(_SHORTEST), most + 1)
    return f"{fence}{mark}\n{text}\n{fence}"


def marked_parts(prompt: str) -> tuple[tuple[bool, str], ...]:
    """Returns the parts of a prompt, each with whether it is marked as pasted; a mark whose end was cut off reaches to
    the end. Empty if there are no marks.

    >>> marked_parts(f"Why?\\n\\n{as_pasted('KeyError: total')}\\n\\nIn tests.")
    ((False, 'Why?'), (True, 'KeyError: total'), (False, 'In tests.'))
    """
    if f"{_SHORTEST}{_QUOTES}\n" not in prompt:
        return ()
    texts = ((was, "\n".join(text for _, text in run).strip("\n")) for was, run in groupby(_lines(prompt), _was_pasted))
    found = [(was, text if was else text.strip()) for was, text in texts if text.strip()]
    merged = groupby(found, _was_pasted)  # two pastes with nothing between them are one
    return tuple((was, _PARAGRAPH.join(text for _, text in run)) for was, run in merged)


def without_paste_marks(prompt: str) -> str:
    """Returns the prompt with its pasted parts among the others."""
    return _PARAGRAPH.join(text for _, text in marked_parts(prompt)) or prompt


def with_marks_named(prompt: str) -> str:
    """Returns the prompt with a word in its marks, for readers who do not know them."""
    parts = marked_parts(prompt)
    return _PARAGRAPH.join(as_pasted(text, _SAYS_SO) if was else text for was, text in parts) or prompt


def _was_pasted(part: tuple[bool, str]) -> bool:
    return part[0]


def _lines(prompt: str) -> Iterator[tuple[bool, str]]:
    """Yields the lines beside the marks, each with whether it stands between two; an empty one for each mark."""
    fence = ""
    for line in prompt.split("\n"):
        opener = _OPENER.fullmatch(line) if not fence and line.endswith(_QUOTES) else None
        if opener is not None:
            fence = opener[2]
            yield False, opener[1] or ""
        elif fence and line == fence:
            fence = ""
            yield False, ""
        else:
            yield fence != "", line
