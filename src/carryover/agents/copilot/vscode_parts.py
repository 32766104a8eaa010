"""The parts of an answer in a chat of VS Code, in groups: the parts of one text together, each other by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.agents.copilot.vscode_wire import (
    EDIT_KINDS,
    EVENT_KINDS,
    TEXT_KINDS,
    WITHIN_TEXT,
    ToolPart,
    is_denied,
    is_given,
    kind_of_part,
)
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, items_of, read_as, text_of

MAX_PARTS: Final = 20_000
"""Of one answer."""
MAX_DETAILS_BYTES: Final = 1 << 20

_FENCE: Final = re.compile(r"\s*(`{3,}[\w+-]*\s*)*")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer."""

    raw: msgspec.Raw
    fields: Fields
    kind: str
    tool: ToolPart | None = None

    def slim(self) -> msgspec.Raw:
        """The part as it was written; of a long tool call only what is relied on, without details beyond measure."""
        if self.tool is None or len(self.raw) <= MAX_DETAILS_BYTES // 8:
            return self.raw
        tool = self.tool
        if len(tool.result_details) > MAX_DETAILS_BYTES:
            tool = msgspec.structs.replace(tool, result_details=rawjson.ABSENT)
        return msgspec.Raw(msgspec.json.encode(tool))


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


def parts_of(request: Fields) -> Iterator[Part]:
    """The parts of a request's answer."""
    response = request.get("response", rawjson.ABSENT)
    raws = items_of(response) or ([response] if text_of(response) else [])  # one text in the oldest chats
    for raw in raws[:MAX_PARTS]:
        if text_of(raw):
            yield Part(raw, {}, "")
            continue
        fields = fields_of(raw)
        kind = kind_of_part(fields)
        is_tool = kind in ("toolInvocationSerialized", "toolInvocation")
        yield Part(raw, fields, kind, (read_as(raw, ToolPart) or ToolPart()) if is_tool else None)


def groups_of(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parts by themselves, but consecutive ones of a text together."""
    text: list[Part] = []
    for part in parts:
        if part.kind in TEXT_KINDS:
            text.append(part)
        elif part.kind not in WITHIN_TEXT:
            if text:
                yield text
                text = []
            yield [part]
    if text:
        yield text


def plain(part: Part) -> str:
    """The Markdown of a text part; anything for a reference, which always says something."""
    if part.kind == "inlineReference":
        return "-"
    return (
        text_of(part.raw)
        or text_of(part.fields.get("value"))
        or text_of(fields_of(part.fields.get("content")).get("value"))
    )


def placed(groups: Iterable[Sequence[Part]]) -> list[Group]:
    """The groups, each with what is before and after it."""
    listed = list(groups)
    found: list[Group] = []
    steps = speech = False
    for number in range(len(listed) - 1, -1, -1):
        parts = listed[number]
        before, after = (listed[n][0].kind if 0 <= n < len(listed) else "" for n in (number - 1, number + 1))
        is_silent = parts[0].kind in TEXT_KINDS and all(_FENCE.fullmatch(plain(part)) for part in parts)
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
        kind = parts[0].kind
        steps = steps or kind in EVENT_KINDS or (kind in TEXT_KINDS and not is_silent)
        speech = speech or kind in TEXT_KINDS or kind == "thinking"
    return found[::-1]


def has_result(tool: ToolPart) -> bool:
    """Whether a call has ended, by what it says itself."""
    given = (tool.result_details, tool.result_error, tool.data.get("terminalCommandState"))
    return is_denied(tool) or any(is_given(raw) for raw in given)
