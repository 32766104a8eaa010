"""The parts of an answer in a chat of VS Code, in groups: the parts of one text together, each other by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.agents.copilot.vscode_wire import (
    EDIT_KINDS,
    EVENT_KINDS,
    TEXT_KINDS,
    TOOL_KINDS,
    WITHIN_TEXT,
    ToolPart,
    kind_of_part,
)
from carryover.records.lenient import Fields, fields_of, read_as, text_of

_ONLY_FENCES: Final = re.compile(r"\s*(`{3,}[\w+-]*\s*)*")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer."""

    raw: msgspec.Raw
    fields: Fields
    kind: str
    tool: ToolPart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One part, or the parts of one text."""

    number: int
    parts: tuple[Part, ...]
    is_silent: bool
    """A text that is blank, or nothing but the border of a code block whose content became an edit."""
    steps_follow: bool
    """The model did something after it, so that it was not the last word."""
    speech_follows: bool
    """The model thought or spoke after it, so it had the results of all calls before."""
    after_edit: bool
    before_edit: bool
    """An edit comes just before it, just after it."""


def groups_in(raws: Sequence[msgspec.Raw]) -> list[Group]:
    """The parts of an answer by themselves, but consecutive ones of a text together; each with what is around it."""
    listed = list(_grouped(raws))
    found: list[Group] = []
    steps = speech = False
    for number in range(len(listed) - 1, -1, -1):
        parts = listed[number]
        before, after = (listed[n][0].kind if 0 <= n < len(listed) else "" for n in (number - 1, number + 1))
        kind = parts[0].kind
        is_silent = kind in TEXT_KINDS and all(_ONLY_FENCES.fullmatch(text_of_part(part)) for part in parts)
        found.append(
            Group(
                number=number,
                parts=tuple(parts),
                is_silent=is_silent,
                steps_follow=steps,
                speech_follows=speech,
                after_edit=before in EDIT_KINDS,
                before_edit=after in EDIT_KINDS,
            )
        )
        steps = steps or kind in EVENT_KINDS or (kind in TEXT_KINDS and not is_silent)
        speech = speech or kind in TEXT_KINDS or kind == "thinking"
    return found[::-1]


def _grouped(raws: Sequence[msgspec.Raw]) -> Iterator[list[Part]]:
    text: list[Part] = []
    for raw in raws:
        fields = {} if text_of(raw) else fields_of(raw)
        kind = "" if text_of(raw) else kind_of_part(fields)
        if kind in TEXT_KINDS:
            text.append(Part(raw, fields, kind))
        elif kind not in WITHIN_TEXT:
            if text:
                yield text
                text = []
            yield [Part(raw, fields, kind, (read_as(raw, ToolPart) or ToolPart()) if kind in TOOL_KINDS else None)]
    if text:
        yield text


def text_of_part(part: Part) -> str:
    """The Markdown of a part; of a reference its name, or that of the file."""
    fields = part.fields
    reference = fields_of(fields.get("inlineReference"))
    if reference:
        uri = fields_of(fields_of(reference.get("location")).get("uri")) or fields_of(reference.get("uri")) or reference
        named = text_of(fields.get("name")) or text_of(reference.get("name"))
        return f"`{named or text_of(uri.get('path')).rpartition('/')[2]}`"
    return text_of(part.raw) or text_of(fields.get("value")) or text_of(fields_of(fields.get("content")).get("value"))
