"""The handoff as text: at most 50 lines, 300 characters a line and 1,200 estimated tokens, in any script.

Text from transcripts is data here. Every such line is a list item, so it can close no section and open none; our own
marks, code fences, the tags agents use for their own messages and the marks of chat templates are neutralized in it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from carryover.distill.clip import clip, estimated_tokens
from carryover.distill.handoff import Handoff, Section
from carryover.distill.header import MAX_CHARS, Answering, header
from carryover.distill.sections.entry import Entry
from carryover.redact import CleanText, clean
from carryover.text import lazy_re as re
from carryover.text.chat_marks import without_chat_marks
from carryover.text.invisible import CONTROLS, UNSEEN

MAX_LINES: Final = 50
MAX_TOKENS: Final = 1200
_FIRM_LINE_TOKENS: Final = 110
"""Task and Next action always stay, so their lines are short enough that all 6 of them fit beside the header."""
_LINE_TOKENS: Final = 75

_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_UNASSIGNED: Final = ("Cs", "Co", "Cn")
_OUR_MARKS: Final = re.compile(r"\[CARRYOVER\]|CARRYOVER:(?:START|END)|RESUME PROTOCOL", re.I)
_COMMENT: Final = re.compile(r"<!--|-->")
_AGENT_TAG: Final = re.compile(
    r"<(?=/?(?:[a-z]+[-_][\w-]+|system|user|assistant|human|instructions?|context|tool|function|invoke|thinking)\b)",
    re.I,
)


def render(handoff: Handoff, answering: Answering | None = None) -> CleanText:
    """The handoff's text, ending in a newline: that of the file, or that of an answer to a session.

    What is least useful goes first, never Task or Next action.
    """
    body = [
        line for title, shown in lay_out(handoff, answering) for line in (f"## {title}", *(text for text, _ in shown))
    ]
    return CleanText("\n".join([*_head(handoff, answering), *body, _last(handoff)]) + "\n")


def lay_out(handoff: Handoff, answering: Answering | None = None) -> list[tuple[str, list[tuple[str, Entry]]]]:
    """The sections that fit, by title, each with its lines as they are printed and where they come from."""
    sections = [(section.title, _lines(section)) for section in handoff.sections]
    head = _head(handoff, answering)
    kept = _fitted(sections, lines=MAX_LINES - len(head) - 1, tokens=MAX_TOKENS - _cost([*head, _last(handoff)]))
    chosen = [
        (title, [(shown.text, shown.entry) for shown in lines if (title, shown.text, shown.rank) in kept])
        for title, lines in sections
    ]
    return [(title, lines) for title, lines in chosen if lines]


def _head(handoff: Handoff, answering: Answering | None) -> list[CleanText]:
    return [clean(line) for line in header(handoff, answering)]


def _last(handoff: Handoff) -> CleanText:
    return CleanText(f"Full history: `carryover show {neutralize(handoff.session)}`")  # an id, which is no text


class _Shown(NamedTuple):
    text: str
    rank: int
    entry: Entry


def _lines(section: Section) -> list[_Shown]:
    """The section's lines as they are printed, with their rank."""
    shown: list[_Shown] = []
    for line in section.lines:
        tokens = _FIRM_LINE_TOKENS if line.rank == 0 else _LINE_TOKENS
        text = f"- {clip(clean(neutralize(line.text)), chars=MAX_CHARS - 2, tokens=tokens)}"
        if len(text) > 2 and all(text != other.text for other in shown):
            shown.append(_Shown(text, line.rank, line.entry))
    return shown


def _fitted(sections: list[tuple[str, list[_Shown]]], *, lines: int, tokens: int) -> set[tuple[str, str, int]]:
    """The lines that fit, taken by rank; a section's heading costs a line too. Rank 0 always fits, by its bounds."""
    candidates = sorted(
        (shown.rank, place, title, shown.text) for place, (title, section) in enumerate(sections) for shown in section
    )
    kept: set[tuple[str, str, int]] = set()
    opened: set[str] = set()
    for rank, _, title, text in candidates:
        new = [text] if title in opened else [f"## {title}", text]
        cost = _cost(new)
        if rank > 0 and (len(new) > lines or cost > tokens):
            continue
        lines -= len(new)
        tokens -= cost
        opened.add(title)
        kept.add((title, text, rank))
    return kept


def _cost(lines: Sequence[str]) -> int:
    """Estimated tokens, counted line by line so that the sum is never less than that of the whole."""
    return sum(estimated_tokens(f"{line}\n") for line in lines)


def neutralize(text: str) -> str:
    """`text` on one line, unable to pass for markup, for our own marks or for an agent's own message."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = CONTROLS.sub(" ", UNSEEN.sub(" ", text))
    if not text.isascii():
        text = _BEYOND_ASCII.sub(lambda sign: "" if unicodedata.category(sign[0]) in _UNASSIGNED else sign[0], text)
    text = _COMMENT.sub("--", text).replace("```", "'''").replace("~~~", "'''")
    text = _OUR_MARKS.sub(lambda mark: mark.group().lower().replace("[", "(").replace("]", ")"), text)
    text = without_chat_marks(_AGENT_TAG.sub("‹", text))
    return " ".join(text.split())
