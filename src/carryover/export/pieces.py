"""Turns the material into the pieces of a document, each with a rank: the higher it is, the sooner it is left out.
Within a kind, the oldest and least mentioned pieces have the highest ranks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from carryover.distill.entry import Entry
from carryover.distill.quotes import elapsed
from carryover.export.material import GuidingFile, Material, TextFile, fence_name, layout
from carryover.export.quoting import code_span, fenced, one_line, quoted, safe
from carryover.redact import CleanText
from carryover.text.pattern import later

_WORD: Final = later(r"[A-Za-z]+")
_BLANKS: Final = later(r"\s*\n\s*|[ \t]{2,}|\t")
_BLANK: Final = later(r"\s")
_FIRST_WIDE: Final = 0x2E80
_FIRST_ASTRAL: Final = 0x10000
_ABOUT: Final = "The project"
_CHANGES: Final = "Uncommitted changes (git diff HEAD)"
_FILES: Final = "Files, as they are now"
_CHANGE_RANK: Final = 40
_FILE_RANK: Final = 44
_STEP: Final = 8
_UNCOMMITTED: Final = 0.5
_REFERENCE: Final = 0.1
_MOST_REFERENCES: Final = 5
_DAY_MS: Final = 86_400_000
_SHORT_DIFF_LINES: Final = 60
_AROUND_LINES: Final = 40
_GUIDANCE: Final = "Instructions and skills in force"
SKILL: Final = "SKILL.md"
_GUIDANCE_RANK: Final = 16
_GUIDANCE_STEP: Final = 16
_SKILL_RANK: Final = 48
_SKILL_STEP: Final = 5
_SKILL_CHARS: Final = 300
_SHORT_CHARS: Final = 1500
_FRONT_MATTER: Final = later(r"\A---\n(.*?)\n---(?:\n|\Z)", re.DOTALL)
_DESCRIPTION: Final = later(r"^description:[ \t]*(.+(?:\n[ \t]+\S.*)*)", re.MULTILINE)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One line or block. The higher its `rank`, the sooner it is left out; rank 0 is always kept."""

    section: str
    text: CleanText
    rank: int
    label: str
    """Name of the piece in the list of omissions; pieces with the same label are counted together."""
    shorter: CleanText | None = None
    share: float = 0.4
    """Maximum share of the budget for its full form, so that one file does not displace all others."""
    part: str = "a part"
    """Describes what `shorter` contains."""
    path: str | None = None


def fitted(pieces: Sequence[Piece], *, budget: int, cost: Callable[[str], int]) -> list[CleanText | None]:
    """Returns each piece in the longest of its forms that fits into `budget` tokens by `cost`; None for pieces
    without one. Lower ranks go first, and rank 0 always fits."""
    ranked = sorted(enumerate(pieces), key=lambda item: (item[1].rank, item[0]))
    chosen: list[CleanText | None] = [None] * len(pieces)
    opened = set[str]()
    left = budget
    for number, piece in ranked:
        heading = 0 if piece.section in opened else cost(f"## {piece.section}\n\n")
        for form in (piece.text,) if piece.shorter is None else (piece.text, piece.shorter):
            price = cost(f"{form}\n\n")
            too_large = form is not piece.shorter and piece.shorter is not None and price > budget * piece.share
            if piece.rank == 0 or (heading + price <= left and not too_large):
                chosen[number] = form
                opened.add(piece.section)
                left -= heading + price
                break
    for number, piece in ranked:  # remaining space goes to pieces that can be shortened
        if chosen[number] is not None and chosen[number] is piece.shorter:
            more = cost(f"{piece.text}\n\n") - cost(f"{piece.shorter}\n\n")
            if more <= left:
                chosen[number] = piece.text
                left -= more
    return chosen


def tokens_in(text: str, *, percent: int = 100) -> int:
    """Estimates the number of tokens in a text, rather too high than too low, since no tokenizer is available.

    Every five letters begun are one token, each digit and each sign is one, a line end with the following indentation
    is one, and so are several spaces; single spaces are free. In other alphabetic scripts, three characters are two
    tokens; wide characters (Chinese, Japanese, Korean) are one each, and those beyond the basic plane (emoji) two each.
    `percent`: tokens that the models of a chat count for 100 by this rule. The sum over the lines of a text is never
    less than the estimate for the whole.
    """
    words = [len(word) for word in _WORD.findall(text)]
    count = sum((length + 4) // 5 for length in words)
    count += len(_BLANKS.findall(text))
    plain = text if text.isascii() else "".join(sign for sign in text if sign < "\x80")
    count += len(plain) - sum(words) - len(_BLANK.findall(plain))
    if plain is not text:
        codes = [ord(sign) for sign in text if sign >= "\x80"]
        wide = sum(code >= _FIRST_WIDE for code in codes)
        count += wide + sum(code >= _FIRST_ASTRAL for code in codes) + ((len(codes) - wide) * 2 + 2) // 3
    return (count * percent + 99) // 100


_FROM_HANDOFF: Final = {
    "Task": ("Task", 0, 0),
    "What the user said": ("What the user said", 7, 2),
    "Where it stands": ("Where it stands", 4, 2),
    "Progress log": ("What was done", 26, 6),
    "Failed approaches": ("What did not work", 22, 2),
    "Open questions": ("Open questions", 20, 2),
    "Next action": ("What the agent would do next", 0, 0),
    "Also in progress": ("Also in progress", 36, 2),
    "From the agent's own summary": ("From the agent's own summary", 46, 4),
    "Recent files": ("Recent files", 30, 6),
    "Git context": ("State of git", 10, 2),
}
"""Sections by their heading in the handoff, in the order of the document: their title there, the rank of the first line
and the step to the next line's. Rank 0 always stays."""


def pieces_of(material: Material) -> list[Piece]:
    """Returns the pieces in the order in which they are printed."""
    found = [*_about(material)]
    for heading, (title, rank, step) in _FROM_HANDOFF.items():
        for number, line in enumerate(_lines(material, heading)):
            text = CleanText(f"- {one_line(line.shown)}")
            found.append(Piece(section=title, text=text, rank=rank + step * number, label=title))
        if heading == "Task":
            found += _task_in_full(material)
        if heading == "Next action":
            found += _last_answer(material)
    return [*found, *guidance_pieces(material.guidance), *change_pieces(material), *file_pieces(material)]


def _about(material: Material) -> Iterator[Piece]:
    if material.about:
        yield Piece(section=_ABOUT, text=one_line(material.about), rank=5, label="the README's first paragraph")
    if entries := layout(material.paths):
        lines = ["- Layout (files in each folder):", *(f"  - {one_line(entry)}" for entry in entries)]
        text = CleanText("\n".join(lines))
        short = CleanText("\n".join(lines[:8]))
        yield Piece(section=_ABOUT, text=text, rank=32, label="the layout", shorter=short, part="the first folders")


def _task_in_full(material: Material) -> Iterator[Piece]:
    """Yields the prompt that sets the task, if the section only shows part of it."""
    lines = _lines(material, "Task")
    shown = [one_line(line.shown) for line in lines]
    for line in lines:
        of_line = (said for said in material.said if said.at_ms == line.at_ms and line.session in ("", said.session))
        said = next(of_line, None) if line.at_ms else None
        text = safe(said.text).text.strip() if said is not None else ""
        if not text or any(one_line(text) in other for other in shown):
            continue
        heading = CleanText("The request in full, as the user wrote it to the agent:\n\n")
        yield Piece(
            section="Task",
            text=CleanText(f"{heading}{quoted(_cut(text, 4000))}"),
            rank=6,
            label="the request in full",
            shorter=CleanText(f"{heading}{quoted(_cut(text, 600))}"),
        )
        return


def _last_answer(material: Material) -> Iterator[Piece]:
    if material.last_answer is None or not material.last_answer.text.strip():
        return
    text = safe(material.last_answer.text).text.strip()
    yield Piece(
        section="The agent's last answer",
        text=quoted(_cut(text, 6000)),
        rank=24,
        label="the agent's last answer",
        share=0.15,
        shorter=quoted(_cut(text, _SHORT_CHARS)),
        part="its beginning and end",
    )


def _lines(material: Material, heading: str) -> list[Entry]:
    sections = material.handoff.sections if material.handoff is not None else ()
    return [entry for section in sections if section.title == heading for entry in section.entries]


def _cut(text: str, chars: int) -> CleanText:
    """Shortens clean `text` by leaving out its middle, since what came of it is at its end."""
    if len(text) <= chars:
        return CleanText(text)
    head = chars // 3
    return CleanText(f"{text[:head].rstrip()}\n[...]\n{text[head - chars :].lstrip()}")


def standing(file: TextFile, now_ms: int) -> float:
    """Returns a file's relevance: 1 for an edit made now, halved every day; more if it is uncommitted or often
    mentioned."""
    recent = math.pow(0.5, max(0, now_ms - file.edited_ms) / _DAY_MS) if file.edited_ms else 0.0
    return recent + _UNCOMMITTED * file.changed + _REFERENCE * min(file.references, _MOST_REFERENCES)


def file_pieces(material: Material) -> Iterator[Piece]:
    """Yields the files, most relevant first. One that is too long is shown around its last edit."""
    ordered = sorted(material.files, key=lambda file: (-standing(file, material.now_ms), file.path))
    for number, file in enumerate(ordered):
        shown = safe(file.text)
        if not shown.text.strip():
            continue
        remarks = [f"edited by an agent {elapsed(file.edited_ms, material.now_ms)} ago"] if file.edited_ms else []
        remarks += ["uncommitted"] * file.changed
        if shown.hidden:
            remarks.append(f"{shown.hidden} hidden character{'s' * (shown.hidden > 1)} taken out")
        remark = f" ({', '.join(remarks)})" if remarks else ""
        heading = f"### {code_span(file.path)}{remark}\n\n"
        shorter, part = _excerpt(shown.text, file.line)
        name = fence_name(file.path)
        yield Piece(
            section=_FILES,
            text=CleanText(f"{heading}{fenced(shown.text, name)}"),
            rank=_FILE_RANK + _STEP * number,
            label=file.path,
            shorter=CleanText(f"{heading}{fenced(shorter, name)}") if shorter is not None else None,
            part=part,
            share=0.3,
            path=file.path,
        )


def change_pieces(material: Material) -> Iterator[Piece]:
    """Yields the diffs file by file, most relevant first."""
    by_path = {file.path: standing(file, material.now_ms) for file in material.files}
    ordered = sorted(material.changes, key=lambda change: (-by_path.get(change.path, 0.0), change.path))
    for number, change in enumerate(ordered):
        rank = _CHANGE_RANK + _STEP * number
        if not change.diff:
            counts = f"+{change.insertions} -{change.deletions}, " if change.insertions or change.deletions else ""
            line = CleanText(f"- {code_span(change.path)}: {'deleted' if change.gone else f'{counts}not shown'}")
            yield Piece(section=_CHANGES, text=line, rank=rank, label=f"the diff of {change.path}")
            continue
        text = safe(change.diff).text
        lines = text.rstrip("\n").split("\n")
        short = fenced(CleanText("\n".join([*lines[:_SHORT_DIFF_LINES], "[...]"])), "diff")
        yield Piece(
            section=_CHANGES,
            text=fenced(text, "diff"),
            rank=rank,
            label=f"the diff of {change.path}",
            shorter=short if len(lines) > _SHORT_DIFF_LINES else None,
            part=f"the first {_SHORT_DIFF_LINES} of {len(lines)} lines",
            path=change.path,
        )


def _excerpt(text: CleanText, line: int | None) -> tuple[CleanText | None, str]:
    """Returns the lines around the last edit, or the first ones; None if that is nearly the whole text."""
    lines = text.rstrip("\n").split("\n")
    middle = min(line or 1, len(lines))
    start = max(0, middle - 1 - _AROUND_LINES)
    end = min(len(lines), start + 2 * _AROUND_LINES)
    if end - start >= len(lines) * 0.8:
        return None, ""
    shown = [*(["[...]"] if start else []), *lines[start:end], *(["[...]"] if end < len(lines) else [])]
    return CleanText("\n".join(shown)), f"lines {start + 1} to {end} of {len(lines)}"


def guidance_pieces(files: Iterable[GuidingFile]) -> Iterator[Piece]:
    """Yields whole files, each text once, nearest to the root first; for a skill, only its name and purpose."""
    seen: dict[str, str] = {}
    skills = 0
    ordered = sorted(files, key=lambda file: (file.path.endswith(f"/{SKILL}"), file.path.count("/"), file.path))
    for number, file in enumerate(ordered):
        text = CleanText(safe(file.text).text.strip())
        if not text:
            continue
        if text in seen:
            same = CleanText(f"- {code_span(file.path)}: the same as {code_span(seen[text])}")
            yield Piece(section=_GUIDANCE, text=same, rank=_GUIDANCE_RANK, label=file.path, path=file.path)
            continue
        seen[text] = file.path
        if file.path.endswith(f"/{SKILL}"):
            yield _skill(file, text, skills)
            skills += 1
            continue
        heading = f"### {code_span(file.path)}\n\n"
        beginning = text[:_SHORT_CHARS].rpartition("\n")[0] or text[:_SHORT_CHARS]
        short = fenced(CleanText(f"{beginning}\n[...]"), "markdown")
        yield Piece(
            section=_GUIDANCE,
            text=CleanText(f"{heading}{fenced(text, 'markdown')}"),
            rank=_GUIDANCE_RANK + _GUIDANCE_STEP * number,
            label=file.path,
            shorter=CleanText(f"{heading}{short}") if len(text) > _SHORT_CHARS else None,
            part="its beginning",
            share=0.12,
            path=file.path,
        )


def _skill(file: GuidingFile, text: str, number: int) -> Piece:
    front = _FRONT_MATTER.match(text)
    found = _DESCRIPTION.search(front[1]) if front is not None else None
    body = text[front.end() :] if front is not None else text
    what = one_line(found[1] if found is not None else body)
    name = file.path.split("/")[-2]
    shown = CleanText(f"- Skill {code_span(name)}: {what[:_SKILL_CHARS].strip(chr(34))}")
    return Piece(
        section=_GUIDANCE, text=shown, rank=_SKILL_RANK + _SKILL_STEP * number, label=file.path, path=file.path
    )
