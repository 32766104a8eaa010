"""Renders the handoff: at most 50 lines of 300 characters and 8,000 characters, 1,800 estimated tokens of sections;
with a greater budget, as many lines as it holds.
Text from transcripts is data: each line is a list item, so it can't open a section; our own marks, code
fences, the tags of agents' own messages and chat-template marks are neutralized."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from msgspec.structs import replace

from carryover.distill.choice import Room, files_not_held, fitted
from carryover.distill.entry import Entry
from carryover.distill.handoff import MAX_TOKENS, NAMED_UNDER, OFFERED_TOKENS, Handoff
from carryover.distill.header import MAX_CHARS, Answering, header, second_page_line
from carryover.distill.names import names_in
from carryover.distill.quotes import clip, estimated_tokens, in_code, label_of_one_place, of_one_place
from carryover.distill.remembered import remembered
from carryover.distill.repeats import without_repeats
from carryover.model import id_in_command
from carryover.redact import CleanText, clean
from carryover.text.harmless import one_line, without_marks
from carryover.text.pattern import later

MAX_LINES: Final = 50
MAX_TEXT_CHARS: Final = 8000
_MOST_OFFERED: Final = 20
"""A handoff of `OFFERED_TOKENS` holds at least so many more turns, one of another size in proportion."""
_SANDBOX: Final = " (not from inside a sandbox)"
_UNBOUNDED: Final = 1 << 30
_FILES_TOKENS: Final = 100
"""Tokens for the two lines of files that no other line mentions: those that were edited, and those of other calls."""
_PATH_CHARS: Final = 60
_OWN_LINES: Final = 2
"""So many files have lines that stay: see `recent_files.file_entries`."""
_LINE_TOKENS: Final = 110
_LABEL_CHARS: Final = 276
_ADDRESS: Final = later(r"\A(?:> ?|[-*+] |\d{1,9}[.)] )*\[(?:[^\]\\\n]|\\.){1,999}\](?=: ?\S{0,999}?[:/&\\])")
"""The beginning of a Markdown link definition, up to where a space turns it into plain text. The first word of its
address contains a colon or slash, or the beginning of an escape for one."""
_TAG: Final = later(r"<(?=/?[A-Za-z])")
Printed = tuple[str, list[tuple[str, Entry]]]
"""A section: its title, and its lines with the entries they come from."""


def render(handoff: Handoff, answering: Answering | None = None) -> CleanText:
    """Returns the handoff's text. Without enough room, the entries with the highest rank are dropped first."""
    return rendered(handoff, answering)[0]


def lay_out(handoff: Handoff) -> list[Printed]:
    """Returns the sections that fit, by title, with their lines as printed and the entries they come from."""
    return rendered(handoff)[1]


def rendered(handoff: Handoff, answering: Answering | None = None) -> tuple[CleanText, list[Printed]]:
    """Returns what `render` and `lay_out` return."""
    sections, is_cut = _laid_out(handoff, answering)
    return _text(handoff, sections, answering, is_cut=is_cut), sections


def names_page(handoff: Handoff, text: str) -> bool:
    """Whether `text`, the file of the handoff, names the one with its second page, which is there only then."""
    return handoff.page is not None and f"`{handoff.page}`" in text.rstrip("\n").rpartition("\n")[2]


def _text(handoff: Handoff, sections: Sequence[Printed], answering: Answering | None, *, is_cut: bool) -> CleanText:
    body: list[str] = []
    shown: set[tuple[str, int | None]] = set()
    for title, lines in sections:
        body.append(f"## {title}")
        for text, entry in lines:
            body.append(text)
            shown.update((source.session, source.turn) for source in entry.sources)
    missing = sum(turn not in shown for turn in handoff.turns)
    holds, last = _end(handoff, answering, missing, is_cut=is_cut)
    return CleanText("\n".join([*_head(handoff, answering, holds), *body, last]) + "\n")


def _laid_out(handoff: Handoff, answering: Answering | None) -> tuple[list[Printed], bool]:
    """Returns the sections, and whether entries did not fit."""
    holds, last = _end(handoff, answering, _UNBOUNDED, is_cut=True)
    around = [*_head(handoff, answering, holds), last]
    lines = MAX_LINES - len(around)
    chars = MAX_TEXT_CHARS - sum(len(line) + 1 for line in around)
    if handoff.tokens > MAX_TOKENS:
        lines = _UNBOUNDED
        chars = _UNBOUNDED
    room = Room(lines, handoff.tokens, chars)
    # A larger one, as the second page, is made once.
    return (_filled_again if handoff.tokens <= MAX_TOKENS else _filled)(handoff, room)


def _filled(handoff: Handoff, whole_room: Room) -> tuple[list[Printed], bool]:
    of_files = min(_FILES_TOKENS, handoff.tokens // 15)
    if len(handoff.edited) <= _OWN_LINES and not files_not_held(dict(handoff.names), (), handoff.root, of_files):
        of_files = 0
    lines_of_files = 2 * bool(of_files) + (len(handoff.edited) > _OWN_LINES)
    room = Room(whole_room.lines - lines_of_files, whole_room.tokens - of_files, whole_room.chars - 5 * of_files)
    sections = [(section.title, _clean(section.entries)) for section in handoff.sections]
    fit = fitted(sections, handoff, room)
    kept = [
        (title, [entry for at, entry in enumerate(entries) if (place, at) in fit.kept])
        for place, (title, entries) in enumerate(sections)
    ]
    chosen = []
    for title, shown in without_repeats(kept):
        if title == NAMED_UNDER:
            shown += _files(handoff, shown, fit.held, of_files)
        printed = _printed(shown)
        if printed:
            chosen.append((title, printed))
    return chosen, len(fit.kept) < sum(len(entries) for _, entries in sections)


_filled_again: Final = remembered(most=2)(_filled)
"""The same for sessions that start one after the other."""


def _files(handoff: Handoff, shown: Sequence[Entry], held: Collection[str], tokens: int) -> list[Entry]:
    edited = _edited(handoff, shown, tokens // 2)
    left = tokens - estimated_tokens(edited)
    files = files_not_held(dict(handoff.names), {*held, *names_in(edited)}, handoff.root, left)
    lines = (
        Entry(text=edited, label="Also edited", kind="names"),
        Entry(text=files, label="Files in play", kind="names"),
    )
    return _clean([line for line in lines if line.text])


def _edited(handoff: Handoff, shown: Sequence[Entry], tokens: int) -> str:
    """Returns those of the edited files that have no line, as many as the tokens are enough for."""
    if len(handoff.edited) <= _OWN_LINES:
        return ""
    lines = "\n".join(entry.text for entry in shown)
    names = [in_code(_short(path)) for path in handoff.edited if in_code(path) not in lines]
    while names and estimated_tokens(", ".join(names)) > tokens:
        names.pop()
    return ", ".join(names)


def _short(path: str) -> str:
    """Returns a path, or the end of a long one."""
    return path if len(path) <= _PATH_CHARS else "/".join(path.split("/")[-2:])


def _head(handoff: Handoff, answering: Answering | None, holds: str | None) -> list[CleanText]:
    return [clean(line) for line in header(handoff, answering, holds)]


def _end(handoff: Handoff, answering: Answering | None, missing: int, *, is_cut: bool) -> tuple[str | None, str]:
    """Returns what the second page has more, None without one, and the last line, which says where the rest is.

    `missing`: the number of turns that are not shown. `is_cut`: whether other lines are missing.
    """
    show = f"Full history: `carryover show {id_in_command(handoff.session)}`"
    if not handoff.is_anothers:  # what was shared has no turns
        show += "; with `--turn N` a turn that is cut here"
    offered = handoff.depth or OFFERED_TOKENS
    more_lines = is_cut or (handoff.has_calls and handoff.tokens <= MAX_TOKENS)  # a larger one has the calls
    has_more = missing > 0 or (handoff.depth > 0 and more_lines)
    if has_more and handoff.tokens < offered:
        holds = _turns(missing, offered)
        _, what = second_page_line(handoff, answering)
        is_command = what.startswith("`carryover ")
        last = f"{show}; {what}: {holds}{_SANDBOX}." if is_command else f"{show}{_SANDBOX}; {what}: {holds}."
        if len(last) <= MAX_CHARS:
            return holds if handoff.depth else None, last
    return None, f"{show}{_SANDBOX}."


def _turns(missing: int, tokens: int) -> str:
    """Says how many of the `missing` turns a handoff of `tokens` has at least."""
    most = _MOST_OFFERED * (tokens - MAX_TOKENS) // (OFFERED_TOKENS - MAX_TOKENS)
    if min(missing, most) == 0:
        return "more of these turns"
    turns = "turns" if missing > 1 else "turn"
    return f"{missing} more {turns}" if missing < most else f"{most} or more turns"


def _clean(entries: Sequence[Entry]) -> list[Entry]:
    """Returns the entries without markup and secrets, within the limits of a line, and without duplicates."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for entry in entries:
        label = _begun(clip(_safe(label_of_one_place(entry.label)), chars=_LABEL_CHARS))
        said = entry.text if entry.members else of_one_place(entry.text)
        text = clip(_safe(said), chars=MAX_CHARS - len("- > … …"), tokens=_LINE_TOKENS)
        text = text if label else _begun(text)
        if (text or label) and (label, text) not in seen:
            seen.add((label, text))
            kept.append(entry if (text, label) == (entry.text, entry.label) else replace(entry, text=text, label=label))
    return kept


def _begun(text: str) -> str:
    """Returns `text` such that a line which begins with it does not look like one that continues a quote."""
    return f"›{text[1:]}" if text.startswith(">") else text


def _printed(entries: Sequence[Entry]) -> list[tuple[str, Entry]]:
    """Returns the lines: the speaker before the first part of a quote, `…` if a part is left out."""
    lines: list[tuple[str, Entry]] = []
    last: Entry | None = None
    for entry, following in zip_longest(entries, entries[1:]):
        follows = last is not None and last.quote == entry.quote and entry.parts > 1
        expected = last.part + 1 if follows and last is not None else 0
        skips = entry.part > expected
        gap = "… " if skips and not entry.text.startswith("…") else ""
        colon = ": " if entry.label and entry.text else ""
        speaker = "> " if follows else f"{entry.label}{colon}"
        begins = f"- {speaker}{gap}"
        is_cut = entry.part < entry.parts - 1 and (following is None or following.quote != entry.quote)
        text = f"{entry.text} …" if is_cut and not entry.text.endswith("…") else entry.text
        if skips and (over := len(begins) + len(text) - MAX_CHARS) > 0:  # its end says more than its beginning
            mark = "" if gap else "… "
            text = mark + re.sub(r"\A\S{0,40}\s+", "", text[over + len(mark) :])
        lines.append((clip(f"{begins}{text}", chars=MAX_CHARS), entry))
        last = entry
    return lines


def neutralize(text: str) -> str:
    """Returns `text` on one line, changed so that it can't pass for markup, for our own marks or for an agent's
    message, and loads no image."""
    line = without_marks(one_line(text).replace("```", "'''").replace("~~~", "'''"))
    before, link, rest = line.rpartition("](")
    line = f"{before.replace('![', '! [')}{link}{rest}"
    return _ADDRESS.sub(r"\g<0> ", line) if "]:" in line else line


@lru_cache(maxsize=4096)  # most lines are the same in every handoff
def _safe(text: str) -> str:
    """Returns `text` neutralized, without secrets, and with no tag at all: which of them mean something depends on the
    reader. That comes last, since `<token>` is no secret."""
    return _TAG.sub("‹", clean(neutralize(text)))
