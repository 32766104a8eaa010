"""What the user typed, out of a request of a chat in VS Code."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.records.lenient import fields_of, items_of, text_of

MAX_PARTS: Final = 200

_ATTACHED: Final = frozenset(("file", "directory", "image", "paste"))
"""Kinds of what a user adds to a prompt by hand; others come with it by themselves."""
_COMMANDS: Final = frozenset(("slash", "subcommand", "prompt"))
_COMMAND: Final = re.compile(r"\A\s*(?:@[\w-]+\s+)?(/[\w:.-]+)(?:\s+|\Z)")


class TypedPrompt(msgspec.Struct, frozen=True):
    """What was typed: `text` is what follows a slash command, if there is one."""

    text: str
    command: str | None = None


def typed_in(message: msgspec.Raw) -> TypedPrompt:
    """What was typed into a message: a text in the oldest chats, else one with the parts it has."""
    given = fields_of(message)
    text = text_of(message) or text_of(given.get("text"))
    kinds = {text_of(fields_of(part).get("kind")) for part in items_of(given.get("parts"))[:MAX_PARTS]}
    found = _COMMAND.match(text) if kinds & _COMMANDS else None
    if found is None:
        return TypedPrompt(text.strip())
    return TypedPrompt(text[found.end() :].strip(), command=found[1])


def attachments_in(kinds: msgspec.Raw) -> int:
    """How much the user attached, by the kinds of all that came with a prompt."""
    return sum(text_of(kind) in _ATTACHED for kind in items_of(kinds))
