"""How a word of a text must begin for an expression to match there: a test that costs little beside the expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_LETTERS: Final = 3
"""So many letters of a word are compared. A shorter word is compared as a whole."""
_WORD: Final = re.compile(rf"(\w{{1,{_LETTERS}}})\w*")
_ATOM: Final = re.compile(r"\(\?(?::|<?[=!])|\[\^?(?:\\.|[^\]\\])+\]|\\.|.", re.S)
_QUANTIFIER: Final = re.compile(r"([?*+]|\{[\d,]+\})\??")
_PLAIN: Final = re.compile(rf"[^\W\d]{{{_LETTERS}}}(?![?*{{])(?:[^|()]|\([^()]*\))*")
_ANY_WITH_ENDING: Final = re.compile(r"\\w\{\d,\}\(\?:([\w|]+)\)")
_MARK: Final = " "
_SPACE_OR_MARK: Final = (r"\s", r"\W")
_WITHOUT_WIDTH: Final = ("^", "$", r"\b", r"\B")
_NOT_LITERAL: Final = frozenset(r"().*+?{}|")


class _Atom(NamedTuple):
    """A piece of an expression: one of some characters, or one of some sequences of pieces; None: not understood."""

    choices: str | list[list[_Atom]] | None
    optional: bool = False


class _NotUnderstoodError(Exception):
    pass


class Searched(NamedTuple):
    """A text as it is searched: in small letters, with the first letters of each word and their place, in order."""

    text: str
    words: list[tuple[str, int]]
    beginnings: frozenset[str]


def searched(text: str) -> Searched:
    """`text`, made ready to be searched."""
    text = text.lower()
    words = [(word[1], word.start()) for word in _WORD.finditer(text)]
    return Searched(text, words, frozenset([letters for letters, _ in words]))


def beginnings_of(expression: str) -> tuple[frozenset[str], bool] | None:
    """The first letters of all words that a match of the regular expression can begin with, where it ends at the border
    of a word, and whether it always begins there: not with a space or mark before. None where its first word may be any
    word, or it uses what this does not understand."""
    if _PLAIN.fullmatch(expression):
        return frozenset((expression[:_LETTERS],)), True
    try:
        choices, _ = _choices(expression, 0)
        begun = [_starts(sequence, "") for sequence in choices]
    except _NotUnderstoodError:
        return None
    found = frozenset().union(*begun)
    return found - {_MARK}, _MARK not in found


def endings_of(expression: str) -> tuple[str, ...]:
    """The endings one of which a word has that the expression matches, where it says no more; else the empty one."""
    found = _ANY_WITH_ENDING.fullmatch(expression)
    return tuple(found[1].split("|")) if found is not None else ("",)


def _starts(atoms: Sequence[_Atom], known: str) -> frozenset[str]:
    """How the first word can go on that begins with the `known` letters, by the atoms that follow; `_MARK` among them
    where something can be before it."""
    if len(known) == _LETTERS or (known and not atoms):
        return frozenset((known,))
    if not atoms or atoms[0].choices is None:
        raise _NotUnderstoodError
    choices, rest = atoms[0].choices, atoms[1:]
    found = {*_starts(rest, known)} if atoms[0].optional else set()
    for choice in choices:
        if isinstance(choice, list):
            found |= _starts([*choice, *rest], known)
        elif choice.isalnum() or choice == "_":
            found |= _starts(rest, known + choice)
        elif known:
            found.add(known)
        else:
            found |= {_MARK, *_starts(rest, known)}
    return frozenset(found)


def _choices(expression: str, at: int) -> tuple[list[list[_Atom]], int]:
    """The sequences between the `|` from `at` on, and the place of the bracket that closes them, or of the end."""
    sequences: list[list[_Atom]] = [[]]
    while at < len(expression) and expression[at] != ")":
        token = _ATOM.match(expression, at)
        assert token is not None  # any character is one
        at = token.end()
        if token[0] == "|":
            sequences.append([])
            continue
        inner: list[list[_Atom]] = []
        if token[0].startswith("(?"):
            inner, at = _choices(expression, at)
            at += 1
        quantifier = _QUANTIFIER.match(expression, at)
        at = quantifier.end() if quantifier is not None else at
        if token[0] == "(?:":
            atom = _Atom(inner)
        elif token[0].startswith("(?") or token[0] in _WITHOUT_WIDTH:
            continue  # asks for more, so that fewer words match
        else:
            atom = _Atom(_characters(token[0]))
        if quantifier is not None and quantifier[1] in ("?", "*") and token[0] in _SPACE_OR_MARK:
            atom = _Atom(_MARK, optional=True)
        elif quantifier is not None:
            atom = _Atom(atom.choices if quantifier[1] == "?" else None, optional=quantifier[1] == "?")
        sequences[-1].append(atom)
    return sequences, at


def _characters(token: str) -> str | None:
    """The characters that a token without a quantifier stands for."""
    if token in _SPACE_OR_MARK:
        return _MARK
    if token.startswith("\\"):
        return None if token[1].isalnum() else token[1]
    if token.startswith("[") and len(token) > 1:
        inside = token[1:-1]
        return None if inside.startswith("^") or "-" in inside[1:-1] or "\\" in inside else inside
    return None if token in _NOT_LITERAL else token
