"""The block in AGENTS.md and CLAUDE.md that points to the handoff. Pure: bytes in, bytes out, every other byte kept."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from typing import Final, Literal

from carryover.edits.encoding import BOM, is_text
from carryover.edits.text_block import find_lines, whole_file, with_lines, without_span
from carryover.text.markdown import fenced, visible_text

START: Final = b"<!--CARRYOVER:START-->"
END: Final = b"<!--CARRYOVER:END-->"

_LINES: Final = (
    START,
    b"# Carryover handoff",
    b"If `.carryover/handoff.md` exists in this project, read it before starting",
    "work — it contains a bounded handoff from the previous session.".encode(),
    b"If your file tool refuses it as ignored, use `cat .carryover/handoff.md`.",
    b"If that file does not exist, no recent session was captured.",
    END,
)
"""Never changed: it is in files of every user's projects, and its exact text is how it is recognised there."""

NEW_FILE: Final = whole_file(_LINES)
"""A file that contains only the block."""

_IMPORT_OF_AGENTS: Final = re.compile(r"(?<!\S)@(?:\./)?AGENTS\.md(?!\S)")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_MARKER: Final = re.compile(rb" {0,3}(" + START + b"|" + END + rb")\s*")

State = Literal["absent", "intact", "edited", "broken"]
"""State of our block.

`intact`: as Carryover wrote it. `edited`: markers around another text. `broken`: a marker without
its partner. The last two are left for the user to repair.
"""


def state(data: bytes) -> State:
    """Returns the state of our block in the text. Markers inside a closed code fence are someone's example."""
    if _spans(data):
        return "intact"
    markers = _markers(data)
    if not markers:
        return "absent"
    return "edited" if markers == [START, END] * (len(markers) // 2) else "broken"


def is_new_file(data: bytes) -> bool:
    """Whether `data` is NEW_FILE with nothing added; line ends may be CRLF."""
    return data in (NEW_FILE, whole_file(_LINES, b"\r\n"))


def with_block(data: bytes, *, at_top: bool) -> bytes:
    """Returns `data` with the block; unchanged if it already contains anything of ours, or is not text."""
    if not is_text(data) or state(data) != "absent":
        return data
    return with_lines(data, _LINES, at_top=at_top)


def without_block(data: bytes) -> bytes:
    """Returns `data` without our intact blocks: exactly what `with_block` was given."""
    while spans := _spans(data):
        data = without_span(data, spans[0])
    return data


def block_end(data: bytes) -> int:
    """Returns the offset in bytes at which the first intact block ends; 0 if there is none."""
    spans = _spans(data)
    return spans[0][1] if spans else 0


def length_with_block(data: bytes) -> int:
    """Returns the length in bytes of the text with the block appended."""
    return len(with_lines(data, _LINES))


def imports_agents_md(data: bytes) -> bool:
    """Whether the text imports the AGENTS.md beside it (Claude Code 2.1.328 ignores imports in code and comments)."""
    return _IMPORT_OF_AGENTS.search(visible_text(data)) is not None


def says_nothing(data: bytes) -> bool:
    """Whether the file is blank apart from our block and comments, which Claude Code 2.1.328 does not send."""
    text, closer, rest = without_block(data).decode("utf-8-sig", "replace").rpartition("-->")
    # Only up to the last closer: each opener after it would make the pattern scan to the end of the file.
    return not (_COMMENT.sub("", text + closer) + rest).strip()


@lru_cache(maxsize=16)  # one pass asks several times about the same text, and most passes find it unchanged
def _spans(data: bytes) -> tuple[tuple[int, int, bytes], ...]:
    """Returns bounds and line ends of our intact blocks outside of code fences, in order."""
    if START not in data:
        return ()
    offsets, hidden = _line_offsets(data)
    spans = []
    start = 0
    while (span := find_lines(data, _LINES, start)) is not None:
        if bisect_left(offsets, span[0]) not in hidden:
            spans.append(span)
        start = span[1]
    return tuple(spans)


def _markers(data: bytes) -> list[bytes]:
    if START not in data and END not in data:
        return []
    lines = _content_lines(data)
    hidden = fenced(lines)
    candidates = (line for at, line in enumerate(lines) if b"<!--CARRYOVER:" in line and at not in hidden)
    return [match[1] for match in map(_MARKER.fullmatch, candidates) if match]


def _line_offsets(data: bytes) -> tuple[list[int], set[int]]:
    lines = _content_lines(data)
    bom = len(BOM) if data.startswith(BOM) else 0
    return list(accumulate((len(line) + 1 for line in lines), initial=bom)), fenced(lines)


def _content_lines(data: bytes) -> list[bytes]:
    return data.removeprefix(BOM).split(b"\n")
