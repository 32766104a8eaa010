"""Finds the recorded edit that wrote a line of a file, by undoing edits from the newest on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from carryover.model import FileEdit
from carryover.records.fields import bounded
from carryover.text.pattern import later

LONGEST_LINE: Final = 500
"""Maximum number of characters of a line in an edit's diff."""

_START: Final = later(r"@@(?: \+(\d+))?")
_CUT: Final = later(r"\\ \d+ more lines?")
_SAYS_ENOUGH: Final = later(r"\w.*\w.*\w")
"""A line with enough text to be recognised by it, unlike a bracket."""

Sure = Literal["followed", "by_text"]


@dataclass(frozen=True, slots=True)
class Origin:
    """The edit that wrote a line. `edit` is its place in the list of edits; None if none of them did."""

    edit: int | None
    sure: Sure
    """`followed` through every later edit, or found `by_text` because the file was also changed in other ways."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A hunk of an edit: its lines, each with its sign (` `, `+` or `-`) in front.

    `start` is its first line in the file after the edit, from 1.
    """

    start: int | None
    lines: tuple[str, ...]
    cut: bool = False
    """Whether the rest of the edit is not recorded."""

    @property
    def new(self) -> list[str]:
        """Returns the lines after the edit."""
        return [line[1:] for line in self.lines if line[:1] != "-"]

    @property
    def old(self) -> list[str]:
        """Returns the lines before the edit."""
        return [line[1:] for line in self.lines if line[:1] != "+"]

    @property
    def wrote(self) -> list[bool]:
        """Returns for each line after the edit whether the edit wrote it."""
        return [line[:1] == "+" for line in self.lines if line[:1] != "-"]


@dataclass(slots=True)
class _File:
    """The file before the edits that were undone so far, and the index of the line in it."""

    lines: list[str]
    at: int
    exact: bool = True


def comparable(text: str) -> list[str]:
    """Splits the text of a file into lines as diffs contain them."""
    return [bounded(line.removesuffix("\r"), LONGEST_LINE) for line in text.split("\n")]


def origin_of(lines: Sequence[str], at: int, edits: Sequence[FileEdit]) -> Origin:
    """Returns the edit that wrote the line at index `at` of the file's `lines`. `edits` are in order, oldest first."""
    file = _File(list(lines), at)
    for number, edit in reversed(list(enumerate(edits))):
        pieces = list(_pieces(edit.diff))
        if not pieces and edit.change != "rename" and (edit.added, edit.removed) != (0, 0):
            file.exact = False
        is_whole = not edit.diff.startswith("@@") and len(pieces) == 1 and all(pieces[0].wrote) and not edit.removed
        for piece in reversed(pieces):
            wrote = (piece.cut or file.lines[file.at] in piece.new) if is_whole else _undo(file, piece, edit)
            if wrote:
                return Origin(number, "followed" if file.exact else "by_text")
        if is_whole:
            return Origin(None, "by_text")
    return Origin(None, "followed" if file.exact else "by_text")


def _pieces(diff: str) -> Iterator[Piece]:
    start: int | None = None
    lines: list[str] = []
    for line in diff.split("\n") if diff else ():
        head = _START.match(line)
        if head is not None and lines:
            yield Piece(start, tuple(lines))
            lines = []
        if head is not None:
            start = int(head[1]) if head[1] else None
        elif _CUT.fullmatch(line):
            yield Piece(start, tuple(lines), cut=True)
            return
        elif not line.startswith("\\"):
            lines.append(line.removesuffix("\r") or " ")
    if lines:
        yield Piece(start, tuple(lines))


def _undo(file: _File, piece: Piece, edit: FileEdit) -> bool:
    """Undoes the piece in `file`; or returns True, and leaves `file` as it is, if the piece wrote the line."""
    new = piece.new
    old = piece.old
    place = _place(file, piece, new)
    if place is None and (parts := _within_lines(file, piece, new)):
        # The edit replaced a text that began or ended within a line: take in the rest of these lines.
        place, before, after = parts
        new = file.lines[place : place + len(new)]
        old = "".join((before, "\n".join(old), after)).split("\n")
    if place is None:
        file.exact = False
        return _has_text(file, piece, new)
    inside = file.at - place
    if 0 <= inside < len(new):
        if piece.wrote[inside]:
            return True
        file.at = (
            place + [at for at, line in enumerate(piece.lines) if line[:1] != "-"][inside] - sum(piece.wrote[:inside])
        )
    elif inside >= len(new):
        if piece.cut:
            file.exact = False
            return inside < max(edit.added or 0, len(new))
        file.at += len(old) - len(new)
    file.lines[place : place + len(new)] = old
    return False


def _place(file: _File, piece: Piece, new: list[str]) -> int | None:
    """Returns the index of the piece's first line; None if its lines are not in the file, or in several places."""
    if not new:  # a diff without context then names the line before
        return min(piece.start, len(file.lines)) if piece.start else None
    places = [
        at
        for at in range(len(file.lines) - len(new) + 1)
        if file.lines[at] == new[0] and file.lines[at : at + len(new)] == new
    ]
    if piece.start is None:
        return places[0] if len(places) == 1 else None
    start = piece.start - 1
    return min(places, key=lambda at: abs(at - start), default=None)


def _within_lines(file: _File, piece: Piece, new: list[str]) -> tuple[int, str, str] | None:
    """Returns where a text without a known line is in the file: the index of its first line, what stands before it
    there, and what after it in its last line. None unless it is there once.
    """
    text = "\n".join(file.lines)
    part = "\n".join(new)
    if piece.start is not None or not part or text.count(part) != 1:
        return None
    at = text.index(part)
    end = at + len(part)
    line_end = text.find("\n", end)
    before = text[text.rfind("\n", 0, at) + 1 : at]
    return text.count("\n", 0, at), before, text[end : line_end if line_end >= 0 else len(text)]


def _has_text(file: _File, piece: Piece, new: list[str]) -> bool:
    """Whether the piece wrote this line, judged by its text alone: it is unique in the file, or a neighbouring line is
    its neighbour in the piece too. Lines with hardly any text, such as a bracket, prove nothing.
    """
    text = file.lines[file.at]
    places = [at for at, line in enumerate(new) if line == text and piece.wrote[at]]
    if not places or not _SAYS_ENOUGH.search(text):
        return False
    if file.lines.count(text) == 1:
        return True
    above = _line_at(file.lines, file.at - 1)
    below = _line_at(file.lines, file.at + 1)
    return any(_is_neighbour(above, new, at - 1) or _is_neighbour(below, new, at + 1) for at in places)


def _line_at(lines: Sequence[str], at: int) -> str:
    return lines[at] if 0 <= at < len(lines) else ""


def _is_neighbour(line: str, new: Sequence[str], at: int) -> bool:
    return _SAYS_ENOUGH.search(line) is not None and line == _line_at(new, at)
