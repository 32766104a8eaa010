"""The parts of an answer in a chat of VS Code, in groups: the parts of one text together, each other by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.agents.copilot.vscode_wire import (
    TEXT_KINDS,
    TOLD_KINDS,
    WITHIN_TEXT,
    ToolPart,
    is_denied,
    is_given,
    kind_of_part,
)
from carryover.records import rawjson
from carryover.records.loose import Fields, fields_of, items_of, read_as, text_of

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


def parts_of(request: Fields) -> Iterator[Part]:
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


def is_fence(part: Part) -> bool:
    """Whether a text is nothing but the borders of a code block whose content became an edit, or blank."""
    return _FENCE.fullmatch(plain(part)) is not None


def is_step(group: Sequence[Part]) -> bool:
    """The model did something after a text, so that this was not its last word."""
    part = group[0]
    return part.kind in TOLD_KINDS or (part.kind in TEXT_KINDS and not all(map(is_fence, group)))


def goes_on(group: Sequence[Part], child: str) -> bool:
    """The model has the results of the calls before, since it thinks or speaks; what a sub-agent says is not told."""
    return not child and group[0].kind in TEXT_KINDS | {"thinking"}


def has_result(tool: ToolPart) -> bool:
    given = (tool.result_details, tool.result_error, tool.data.get("terminalCommandState"))
    return is_denied(tool) or any(is_given(raw) for raw in given)
