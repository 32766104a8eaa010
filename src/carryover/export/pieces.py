"""Turns what is known of a project into the pieces of a document, each with a rank: the higher it is, the sooner it is
left out. Within a kind, the oldest and least mentioned pieces have the highest ranks.

Times are UTC ms, paths relative to the project's root.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

import msgspec

from carryover.distill.quotes import elapsed
from carryover.distill.render import Printed
from carryover.export.quoting import code_span, fenced, hidden_in, quoted_line, safe
from carryover.facts import ChangedFile
from carryover.redact import CleanText
from carryover.text.markdown import is_table_row, line_forms
from carryover.text.pattern import later


class TextFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the project. `changed`: it has uncommitted changes or is new."""

    path: str
    text: str
    edited_ms: int = 0
    line: int | None = None
    """Line of that edit, 1-based."""
    changed: bool = False


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a project. `handoff` is empty if no agent has left a task there.

    >>> shop = Material(name="shop", now_ms=0, readme="# Shop\\n\\nSells bread.\\n", paths=("cart.py",))
    >>> [piece.text for piece in pieces_of(shop)]
    ['Sells bread.', '- Layout (files in each folder):\\n  - at the top: cart.py']
    """

    name: str
    now_ms: int
    readme: str = ""
    paths: tuple[str, ...] = ()
    """The project's files that git does not ignore, sorted; bounded."""
    handoff: tuple[Printed, ...] = ()
    """The sections of the handoff with their lines, as `lay_out` returns them for `tokens_for_handoff`."""
    counts_from_ms: int = 0
    """The time that its lines count back from."""
    changes: tuple[ChangedFile, ...] = ()
    files: tuple[TextFile, ...] = ()
    """Most relevant first."""
    guidance: tuple[TextFile, ...] = ()
    """Files that tell agents how to work here: instructions, rules, skills. Without Carryover's own block."""
    left_out: Mapping[str, str] = {}
    """What may not be shown or can't be read, with the reason."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One line or block. The higher its `rank`, the sooner it is left out; rank 0 is always kept."""

    section: str
    text: CleanText
    rank: int
    label: str
    """Name of the piece in the list of omissions; pieces with the same label are counted together."""
    shorter: CleanText | None = None
    share: float = 0.4
    """Maximum share of the budget for its full form, where it has a shorter one: no file may displace all others."""
    part: str = "a part"
    """Describes what `shorter` contains."""
    path: str | None = None


_ABOUT: Final = "The project"
_CHANGES: Final = "Uncommitted changes (git diff HEAD)"
_FILES: Final = "Files, as they are now"
_GUIDANCE: Final = "Instructions and skills in force"
_CHANGE_RANK: Final = 40
_FILE_RANK: Final = 44
_STEP: Final = 8
_GUIDANCE_RANK: Final = 16
_GUIDANCE_STEP: Final = 16
_SKILL_RANK: Final = 48
_SKILL_STEP: Final = 5
_SHORT_DIFF_LINES: Final = 60
_AROUND_LINES: Final = 40
_SHORT_CHARS: Final = 1500
_SKILL_CHARS: Final = 300
_ABOUT_CHARS: Final = 700
_MOST_ENTRIES: Final = 24
_FENCE_NAMES: Final = {".cc": "cpp", ".cs": "csharp", ".h": "c", ".hpp": "cpp", ".ipynb": "json", ".mjs": "js"}


def pieces_of(material: Material) -> Iterator[Piece]:
    """Yields the pieces in the order in which they are printed."""
    yield from _about(material)
    for title, lines in material.handoff:
        for text, _ in lines:
            line = CleanText(f"- {quoted_line(text.removeprefix('- '))}")
            yield Piece(section=title, text=line, rank=0 if title == "Task" else 1, label=title)
    yield from _guidance(material.guidance)
    yield from _changes(material)
    yield from _files(material)


def _about(material: Material) -> Iterator[Piece]:
    if about := first_paragraph(material.readme):
        yield Piece(section=_ABOUT, text=quoted_line(about), rank=5, label="the README's first paragraph")
    if entries := layout(material.paths):
        lines = ["- Layout (files in each folder):", *(f"  - {quoted_line(entry)}" for entry in entries)]
        text = CleanText("\n".join(lines))
        short = CleanText("\n".join(lines[:8]))
        yield Piece(section=_ABOUT, text=text, rank=32, label="the layout", shorter=short, part="the first folders")


_BADGE: Final = later(r"\s*(?:\[?!\[|<|:\w+:|\.\. |={3,}|-{3,}|#|\[[^\]]*\]:)")
_UNDERLINE: Final = later(r"\s*(?:={3,}|-{3,}|~{3,})\s*")
_TAG: Final = later(r"<[^>\n]{0,200}>")
_COMMENT: Final = later(r"<!--.*?-->", re.DOTALL)


def first_paragraph(readme: str) -> str:
    """Returns the first paragraph of prose in a README: not a title, badge, table or code."""
    before, end, after = readme.rpartition("-->")  # behind the last one, each `<!--` would be searched to the end
    lines = (_COMMENT.sub("", before + end) + after).splitlines()
    forms = line_forms(lines)
    paragraph: list[str] = []
    for number, line in enumerate(lines):
        underlined = _UNDERLINE.fullmatch(lines[number + 1]) if number + 1 < len(lines) else None
        prose = forms[number] == "text" and not _BADGE.match(line) and not is_table_row(line) and not underlined
        text = _TAG.sub("", line).strip() if prose else ""
        if text:
            paragraph.append(text)
        elif paragraph:
            break
    whole = " ".join(paragraph)
    return whole if len(whole) <= _ABOUT_CHARS else f"{whole[: _ABOUT_CHARS - 1].rsplit(' ', 1)[0]}…"


def layout(paths: Iterable[str]) -> list[str]:
    """Lists the project's folders with their direct content, then its top-level files, in at most 24 entries."""
    parts = sorted(PurePosixPath(path).parts for path in paths)
    top = [part[0] for part in parts if len(part) == 1]
    entries = []
    for folder, inside in groupby((part for part in parts if len(part) > 1), key=lambda part: part[0]):
        below = list(inside)
        names = Counter(f"{part[1]}/" if len(part) > 2 else part[1] for part in below)
        by_number = sorted(names, key=lambda name: (-names[name], name))
        entries.append(f"{folder}/ ({len(below)}): {_first_of(by_number, 6)}")
    room = max(_MOST_ENTRIES - len(entries), 4)
    if len(entries) > _MOST_ENTRIES:
        entries = [*entries[:_MOST_ENTRIES], f"and {len(entries) - _MOST_ENTRIES} more folders"]
    if top:
        entries.append(f"at the top: {_first_of(top, room)}")
    return entries


def _first_of(names: Sequence[str], most: int) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _guidance(files: Iterable[TextFile]) -> Iterator[Piece]:
    """Yields whole files, each text once, nearest to the root first; for a skill, only its name and purpose."""
    first_with: dict[str, str] = {}
    skills = 0
    ordered = sorted(files, key=lambda file: (_is_skill(file), file.path.count("/"), file.path))
    for number, file in enumerate(ordered):
        text = CleanText(safe(file.text).strip())
        if not text:
            continue
        if text in first_with:
            line = f"- {code_span(file.path)}: the same as {code_span(first_with[text])}"
            yield _in_guidance(file, line, _GUIDANCE_RANK)
            continue
        first_with[text] = file.path
        if _is_skill(file):
            yield _in_guidance(file, _skill_line(file, text), _SKILL_RANK + _SKILL_STEP * skills)
            skills += 1
            continue
        heading = f"### {code_span(file.path)}\n\n"
        beginning = text[:_SHORT_CHARS].rpartition("\n")[0] or text[:_SHORT_CHARS]
        short = fenced(CleanText(f"{beginning}\n[...]"), "markdown")
        yield _in_guidance(
            file,
            f"{heading}{fenced(text, 'markdown')}",
            _GUIDANCE_RANK + _GUIDANCE_STEP * number,
            f"{heading}{short}" if len(text) > _SHORT_CHARS else None,
        )


def _in_guidance(file: TextFile, text: str, rank: int, shorter: str | None = None) -> Piece:
    return Piece(
        section=_GUIDANCE,
        text=CleanText(text),
        rank=rank,
        label=file.path,
        shorter=CleanText(shorter) if shorter is not None else None,
        part="its beginning",
        share=0.12,
        path=file.path,
    )


_FRONT_MATTER: Final = later(r"\A---\n(.*?)\n---(?:\n|\Z)", re.DOTALL)
_DESCRIPTION: Final = later(r"^description:[ \t]*(.+(?:\n[ \t]+\S.*)*)", re.MULTILINE)


def _is_skill(file: TextFile) -> bool:
    return file.path.endswith("/SKILL.md")


def _skill_line(file: TextFile, text: str) -> str:
    front = _FRONT_MATTER.match(text)
    description = _DESCRIPTION.search(front[1]) if front is not None else None
    body = text[front.end() :] if front is not None else text
    purpose = quoted_line(description[1] if description is not None else body)
    return f"- Skill {code_span(file.path.split('/')[-2])}: {purpose[:_SKILL_CHARS].strip(chr(34))}"


def _changes(material: Material) -> Iterator[Piece]:
    """Yields the diffs file by file, in the order of the files; those of others come last."""
    places = {file.path: place for place, file in enumerate(material.files)}
    ordered = sorted(material.changes, key=lambda change: (places.get(change.path, len(places)), change.path))
    for number, change in enumerate(ordered):
        text = safe(change.diff)
        lines = text.rstrip("\n").split("\n")
        short = fenced(CleanText("\n".join([*lines[:_SHORT_DIFF_LINES], "[...]"])), "diff")
        yield Piece(
            section=_CHANGES,
            text=fenced(text, "diff") if change.diff else _without_diff(change),
            rank=_CHANGE_RANK + _STEP * number,
            label=f"the diff of {change.path}",
            shorter=short if len(lines) > _SHORT_DIFF_LINES else None,
            part=f"the first {_SHORT_DIFF_LINES} of {len(lines)} lines",
            path=change.path if change.diff else None,
        )


def _without_diff(change: ChangedFile) -> CleanText:
    counts = f"+{change.insertions} -{change.deletions}, " if change.insertions or change.deletions else ""
    return CleanText(f"- {code_span(change.path)}: {'deleted' if change.gone else f'{counts}not shown'}")


def _files(material: Material) -> Iterator[Piece]:
    """Yields the files; one that is too long is shown around its last edit."""
    for number, file in enumerate(material.files):
        shown = safe(file.text)
        if not shown.strip():
            continue
        remarks = [f"edited by an agent {elapsed(file.edited_ms, material.now_ms)} ago"] if file.edited_ms else []
        remarks += ["uncommitted"] * file.changed
        if hidden := hidden_in(file.text):
            remarks.append(f"{hidden} hidden character{'s' * (hidden > 1)} taken out")
        remark = f" ({', '.join(remarks)})" if remarks else ""
        heading = f"### {code_span(file.path)}{remark}\n\n"
        shorter, part = _excerpt(shown, file.line)
        suffix = PurePosixPath(file.path).suffix.lower()
        language = _FENCE_NAMES.get(suffix, suffix.removeprefix("."))
        yield Piece(
            section=_FILES,
            text=CleanText(f"{heading}{fenced(shown, language)}"),
            rank=_FILE_RANK + _STEP * number,
            label=file.path,
            shorter=CleanText(f"{heading}{fenced(shorter, language)}") if shorter is not None else None,
            part=part,
            share=0.3,
            path=file.path,
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
