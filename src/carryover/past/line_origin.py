"""Finds the recorded edits that wrote lines of a file, by undoing edits from the newest on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from carryover.model import FileEdit
from carryover.records.fields import bounded
from carryover.text.pattern import later

_LONGEST_LINE: Final = 500
"""Maximum number of characters of a line in an edit's diff."""

_START: Final = later(r"@@(?: \+(\d+))?")
_CUT: Final = later(r"\\ \d+ more lines?")
_SIDES: Final = (-1, 1)
_SAYS_ENOUGH: Final = later(r"\w.*\w.*\w")
"""A line with enough text to be recognised by it, unlike a bracket."""

Sure = Literal["followed", "by_text"]


class LineWriter(msgspec.Struct):
    """What wrote a line. `edit` is its place in the list of edits; None if none of them did."""

    index: int
    """That of the line in the file before the edits that were undone so far."""
    edit: int | None = None
    sure: Sure = "followed"
    """`followed` through every later edit, or found `by_text` because the file was also changed in other ways."""


class _Piece(msgspec.Struct, frozen=True):
    """A hunk of an edit: its lines, each with its sign (` `, `+` or `-`) in front.

    `start` is its first line in the file after the edit, from 1.

    >>> piece = _Piece(start=1, lines=(" def total():", "-    return 0", "+    return 1"))
    >>> piece.old[1], piece.new[1], piece.wrote
    ('    return 0', '    return 1', [False, True])
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


def comparable(text: str) -> list[str]:
    """Splits the text of a file into lines as diffs contain them."""
    return [bounded(line.removesuffix("\r"), _LONGEST_LINE) for line in text.split("\n")]


def writers_of(lines: Sequence[str], places: Iterable[int], edits: Sequence[FileEdit]) -> list[LineWriter]:
    """Returns what wrote the lines at these indexes of the file's `lines`. `edits` are in order, oldest first."""
    file = list(lines)
    writers = [LineWriter(index) for index in places]
    waiting = writers
    for number, edit in reversed(list(enumerate(edits))):
        if not waiting:
            break
        pieces = list(_pieces(edit.diff))
        if not pieces and edit.change != "rename" and (edit.added, edit.removed) != (0, 0):
            _are_uncertain(waiting)
        is_whole = not edit.diff.startswith("@@") and len(pieces) == 1 and all(pieces[0].wrote) and not edit.removed
        for piece in reversed(pieces):
            if is_whole:
                written = set(piece.new)
                wrote = [line for line in waiting if piece.cut or file[line.index] in written]
            else:
                wrote = _undo(file, piece, edit, waiting)
            for line in wrote:
                line.edit = number
            waiting = [line for line in waiting if line.edit is None]
        if is_whole:
            _are_uncertain(waiting)
            break
    return writers


def writes(edit: FileEdit) -> bool:
    """Whether the edit wrote any line that is recorded."""
    return any(any(piece.wrote) for piece in _pieces(edit.diff))


def is_silent(edit: FileEdit) -> bool:
    """Whether it is not recorded what the edit wrote."""
    return not edit.diff and edit.change != "delete"


def removed_by(edit: FileEdit) -> set[str]:
    """Returns the lines that the edit removed, as far as they say enough to be recognised."""
    lines = (line for piece in _pieces(edit.diff) for line in piece.lines)
    return {line[1:] for line in lines if line.startswith("-") and _SAYS_ENOUGH.search(line)}


def _are_uncertain(lines: Iterable[LineWriter]) -> None:
    for line in lines:
        line.sure = "by_text"


def _pieces(diff: str) -> Iterator[_Piece]:
    start: int | None = None
    lines: list[str] = []
    for line in diff.split("\n") if diff else ():
        head = _START.match(line)
        if head is not None and lines:
            yield _Piece(start, tuple(lines))
            lines = []
        if head is not None:
            start = int(head[1]) if head[1] else None
        elif _CUT.fullmatch(line):
            yield _Piece(start, tuple(lines), cut=True)
            return
        elif not line.startswith("\\"):
            lines.append(line.removesuffix("\r") or " ")
    if lines:
        yield _Piece(start, tuple(lines))


def _undo(file: list[str], piece: _Piece, edit: FileEdit, waiting: Sequence[LineWriter]) -> list[LineWriter]:
    """Undoes the piece in `file`, and returns those of the lines that it wrote."""
    new = piece.new
    old = piece.old
    place = _place(file, piece, new)
    if place is None and (within := _within_lines(file, piece, new)) is not None:
        # The edit replaced a text that began or ended within a line: take in the rest of these lines.
        place, before, after = within
        new = file[place : place + len(new)]
        old = "".join((before, "\n".join(old), after)).split("\n")
    if place is None:
        _are_uncertain(waiting)
        return _by_text(file, piece, waiting)
    wrote = []
    is_written = piece.wrote
    kept = [index for index, line in enumerate(piece.lines) if line[:1] != "-"]
    for line in waiting:
        inside = line.index - place
        if inside >= len(new):
            if piece.cut:
                line.sure = "by_text"
            if piece.cut and inside < (edit.added or 0):
                wrote.append(line)
            line.index += len(old) - len(new)
        elif inside >= 0 and is_written[inside]:
            wrote.append(line)
        elif inside >= 0:
            line.index = place + kept[inside] - sum(is_written[:inside])
    file[place : place + len(new)] = old
    return wrote


def _place(file: list[str], piece: _Piece, new: list[str]) -> int | None:
    """Returns the index of the piece's first line; None if its lines are not in the file, or in several places."""
    if not new:  # a diff without context then names the line before
        return min(piece.start, len(file)) if piece.start else None
    places = list(_places(file, new))
    if piece.start is None:
        return places[0] if len(places) == 1 else None
    start = piece.start - 1
    return min(places, key=lambda index: abs(index - start), default=None)


def _places(file: list[str], new: list[str]) -> Iterator[int]:
    """Yields the indexes at which the lines `new` begin in the file, each line of which is read once (Knuth, Morris and
    Pratt): a file may be one line a million times."""
    falls_to = [0]
    """For each number of lines that were found: with how many of them those begin and end."""
    for searched in (new[1:], file):
        found = 0
        for index, line in enumerate(searched):
            while found and (found == len(new) or line != new[found]):
                found = falls_to[found - 1]
            found += line == new[found]
            if searched is not file:
                falls_to.append(found)
            elif found == len(new):
                yield index + 1 - len(new)


def _within_lines(file: list[str], piece: _Piece, new: list[str]) -> tuple[int, str, str] | None:
    """Returns where a text without a known line is in the file: the index of its first line, what stands before it
    there, and what after it in its last line. None unless it is there once."""
    text = "\n".join(file)
    part = "\n".join(new)
    if piece.start is not None or not part or text.count(part) != 1:
        return None
    begin = text.index(part)
    end = begin + len(part)
    line_end = text.find("\n", end)
    before = text[text.rfind("\n", 0, begin) + 1 : begin]
    return text.count("\n", 0, begin), before, text[end : line_end if line_end >= 0 else len(text)]


def _by_text(file: list[str], piece: _Piece, waiting: Sequence[LineWriter]) -> list[LineWriter]:
    """Returns those of the lines that the piece wrote, judged by their text alone: it is unique in the file, or a
    neighbouring line is its neighbour in the piece too. Lines with hardly any text, such as a bracket, prove nothing.
    """
    new = piece.new
    beside: dict[str, set[tuple[int, str]]] = {}
    """The lines that were written, each with its neighbours in the piece and on which side they are."""
    for place, (text, is_written) in enumerate(zip(new, piece.wrote, strict=True)):
        if is_written and _SAYS_ENOUGH.search(text):
            beside.setdefault(text, set()).update((side, _line_at(new, place + side)) for side in _SIDES)
    alike = [line for line in waiting if file[line.index] in beside]
    times = Counter(file) if alike else Counter()

    def is_proven(index: int) -> bool:
        around = ((side, _line_at(file, index + side)) for side in _SIDES)
        known = beside[file[index]]
        return times[file[index]] == 1 or any(_SAYS_ENOUGH.search(one[1]) and one in known for one in around)

    return [line for line in alike if is_proven(line.index)]


def _line_at(lines: Sequence[str], index: int) -> str:
    return lines[index] if 0 <= index < len(lines) else ""
