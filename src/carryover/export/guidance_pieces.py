"""Turns a project's instruction files, rules and skills into pieces of a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from carryover.export.budget import Piece
from carryover.export.material import GuidingFile
from carryover.export.quoting import code_span, fenced, one_line, safe
from carryover.redact import CleanText

GUIDANCE: Final = "Instructions and skills in force"
SKILL: Final = "SKILL.md"
_RANK: Final = 16
_STEP: Final = 16
_SKILL_RANK: Final = 48
_SKILL_STEP: Final = 5
_SHORT_CHARS: Final = 1500
_SKILL_CHARS: Final = 300
_FRONT_MATTER: Final = re.compile(r"\A---\n(.*?)\n---(?:\n|\Z)", re.DOTALL)
_DESCRIPTION: Final = re.compile(r"^description:[ \t]*(.+(?:\n[ \t]+\S.*)*)", re.MULTILINE)


def guidance_pieces(files: Iterable[GuidingFile]) -> Iterator[Piece]:
    """Yields whole files, each text once, nearest to the root first; for a skill, only its name and purpose."""
    seen: dict[str, str] = {}
    skills = 0
    ordered = sorted(files, key=lambda file: (file.path.endswith(f"/{SKILL}"), file.path.count("/"), file.path))
    for number, file in enumerate(ordered):
        text = safe(file.text).text.strip()
        if not text:
            continue
        if text in seen:
            same = CleanText(f"- {code_span(file.path)}: the same as {code_span(seen[text])}")
            yield Piece(section=GUIDANCE, text=same, rank=_RANK, label=file.path, path=file.path)
            continue
        seen[text] = file.path
        if file.path.endswith(f"/{SKILL}"):
            yield _skill(file, text, skills)
            skills += 1
            continue
        heading = f"### {code_span(file.path)}\n\n"
        short = fenced(
            CleanText(f"{text[:_SHORT_CHARS].rpartition(chr(10))[0] or text[:_SHORT_CHARS]}\n[...]"), "markdown"
        )
        yield Piece(
            section=GUIDANCE,
            text=CleanText(f"{heading}{fenced(CleanText(text), 'markdown')}"),
            rank=_RANK + _STEP * number,
            label=file.path,
            shorter=CleanText(f"{heading}{short}") if len(text) > _SHORT_CHARS else None,
            part="its beginning",
            share=0.12,
            path=file.path,
        )


def _skill(file: GuidingFile, text: str, number: int) -> Piece:
    front = _FRONT_MATTER.match(text)
    description = _DESCRIPTION.search(front[1]) if front is not None else None
    what = one_line(description[1] if description is not None else text[front.end() if front is not None else 0 :])
    name = file.path.split("/")[-2]
    shown = CleanText(f"- Skill {code_span(name)}: {what[:_SKILL_CHARS].strip(chr(34))}")
    return Piece(section=GUIDANCE, text=shown, rank=_SKILL_RANK + _SKILL_STEP * number, label=file.path, path=file.path)
