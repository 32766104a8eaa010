"""What stands in the editor's database, as far as we rely on it. Every field may be missing or have another type.

Seen by others in builds of 2025 and 2026 (`_v` 3 to 18 of conversations, 3 of bubbles): FACTS.md.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from carryover.records import rawjson
from carryover.records.identity import utc_ms

USER: Final = 1
ASSISTANT: Final = 2
"""Types of bubbles and headers."""
TOOL: Final = 15
COMPACTION: Final = 22
THINKING: Final = 30
"""Capability types; bubbles with plain text have none."""

T = TypeVar("T")

_EARLIEST_MS: Final = 1_577_836_800_000
_LATEST_MS: Final = 4_102_444_800_000
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Uri(msgspec.Struct, frozen=True):
    fsPath: msgspec.Raw = rawjson.ABSENT  # noqa: N815
    external: msgspec.Raw = rawjson.ABSENT
    path: msgspec.Raw = rawjson.ABSENT
    scheme: msgspec.Raw = rawjson.ABSENT


class WorkspaceIdentifier(msgspec.Struct, frozen=True, rename="camel"):
    """`uri` of a folder; `config_path` of a file that lists several (as VS Code names them)."""

    id: msgspec.Raw = rawjson.ABSENT
    uri: msgspec.Raw = rawjson.ABSENT
    config_path: msgspec.Raw = rawjson.ABSENT


class Head(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of a list of conversations: what is known of one without reading it."""

    composer_id: msgspec.Raw = rawjson.ABSENT
    name: msgspec.Raw = rawjson.ABSENT
    last_updated_at: msgspec.Raw = rawjson.ABSENT
    workspace_identifier: msgspec.Raw = rawjson.ABSENT
    subagent_info: msgspec.Raw = rawjson.ABSENT


class Composer(msgspec.Struct, frozen=True, rename="camel"):
    """`composerData:<id>`: one conversation."""

    name: msgspec.Raw = rawjson.ABSENT
    created_at: msgspec.Raw = rawjson.ABSENT
    last_updated_at: msgspec.Raw = rawjson.ABSENT
    status: msgspec.Raw = rawjson.ABSENT
    generating_bubble_ids: msgspec.Raw = rawjson.ABSENT
    full_conversation_headers_only: msgspec.Raw = rawjson.ABSENT
    conversation: msgspec.Raw = rawjson.ABSENT
    unified_mode: msgspec.Raw = rawjson.ABSENT
    model_config: msgspec.Raw = rawjson.ABSENT
    todos: msgspec.Raw = rawjson.ABSENT
    latest_conversation_summary: msgspec.Raw = rawjson.ABSENT
    subagent_info: msgspec.Raw = rawjson.ABSENT
    subagent_composer_ids: msgspec.Raw = rawjson.ABSENT
    workspace_identifier: msgspec.Raw = rawjson.ABSENT


class SubagentInfo(msgspec.Struct, frozen=True, rename="camel"):
    """The names of the field are unverified."""

    parent_composer_id: msgspec.Raw = rawjson.ABSENT
    parent_conversation_id: msgspec.Raw = rawjson.ABSENT
    parent_id: msgspec.Raw = rawjson.ABSENT


class ModelConfig(msgspec.Struct, frozen=True, rename="camel"):
    model_name: msgspec.Raw = rawjson.ABSENT


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """Where a bubble stands in its conversation. In the oldest form it is the bubble itself."""

    bubble_id: msgspec.Raw = rawjson.ABSENT
    type: msgspec.Raw = rawjson.ABSENT
    created_at: msgspec.Raw = rawjson.ABSENT


class PlainHeader(msgspec.Struct, frozen=True, rename="camel"):
    """A header as it should be, which is read ten times as fast: a conversation has thousands."""

    bubble_id: str
    type: int | None = None
    created_at: msgspec.Raw = rawjson.ABSENT


class ToolData(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`toolFormerData`: a call together with its result. Arguments and result are JSON inside a string, or JSON."""

    name: msgspec.Raw = rawjson.ABSENT
    tool_call_id: msgspec.Raw = rawjson.ABSENT
    status: msgspec.Raw = rawjson.ABSENT
    raw_args: msgspec.Raw = rawjson.ABSENT
    params: msgspec.Raw = rawjson.ABSENT
    result: msgspec.Raw = rawjson.ABSENT
    error: msgspec.Raw = rawjson.ABSENT


class Bubble(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`bubbleId:<composerId>:<bubbleId>`: a prompt, a text of the model, or a tool call with its result."""

    type: msgspec.Raw = rawjson.ABSENT
    text: msgspec.Raw = rawjson.ABSENT
    created_at: msgspec.Raw = rawjson.ABSENT
    capability_type: msgspec.Raw = rawjson.ABSENT
    tool_former_data: msgspec.Raw = rawjson.ABSENT
    error_details: msgspec.Raw = rawjson.ABSENT


def struct_of(data: bytes | msgspec.Raw, kind: type[T]) -> T | None:
    """A row as `kind`, None when it has another shape. Halves of surrogate pairs (of JavaScript) are mended."""
    plain = bytes(data)
    found = rawjson.part_of(msgspec.Raw(plain), kind)
    if found is None and b"\\u" in plain:
        found = rawjson.part_of(msgspec.Raw(rawjson.mend(plain)), kind)
    return found


def number_of(raw: msgspec.Raw) -> int | None:
    """The whole number in a field, None when it holds something else."""
    return rawjson.part_of(raw, int)


def name_of(raw: msgspec.Raw) -> str:
    """The text in a field, empty when it holds none; halves of surrogate pairs are read as U+FFFD."""
    if raw is rawjson.ABSENT:
        return ""
    text = rawjson.string_of(raw)
    if text is None and memoryview(raw)[:1].tobytes() == b'"':
        text = rawjson.string_of(msgspec.Raw(rawjson.mend(bytes(raw))))
    return text or ""


def time_of(raw: msgspec.Raw) -> int:
    """UTC milliseconds of a time that is a number of them or an ISO text; 0 where it is neither, or beyond reason."""
    if raw is rawjson.ABSENT:
        return 0
    number = rawjson.part_of(raw, float)
    at_ms = int(number) if number is not None and abs(number) < 1e18 else utc_ms(name_of(raw))
    return at_ms if _EARLIEST_MS < at_ms < _LATEST_MS else 0


def items_of(raw: msgspec.Raw) -> list[msgspec.Raw] | None:
    """The entries of a list, None where there is none."""
    return rawjson.part_of(raw, list[msgspec.Raw])


def names_of(raw: msgspec.Raw) -> list[str]:
    """The texts in a list, without entries that are none."""
    return [name for item in items_of(raw) or () if (name := name_of(item))]


@lru_cache(maxsize=8_192)
def mark_of(bubble_id: str) -> bytes:
    """A bubble's id in 16 bytes; they are the id itself where it is a UUID."""
    if _UUID.fullmatch(bubble_id):
        return bytes.fromhex(bubble_id.replace("-", ""))
    return hashlib.blake2b(bubble_id.encode("utf-8", "replace"), digest_size=16).digest()


def ident_of(mark: bytes) -> str:
    """A bubble's id as it stands in keys."""
    return str(uuid.UUID(bytes=mark))


def unwrapped(raw: msgspec.Raw) -> msgspec.Raw:
    """A field that holds JSON, or JSON inside a string. A string that is no JSON stays one."""
    text = name_of(raw).strip()
    if not text or text[0] not in '{["':
        return raw
    inner = msgspec.Raw(text.encode("utf-8", "replace"))
    return inner if rawjson.part_of(inner, msgspec.Raw) is not None else raw
