"""The arguments of a tool call that an adapter knows by name."""

from __future__ import annotations

import msgspec

from carryover.records import rawjson


class CallArguments(msgspec.Struct, frozen=True):
    """Arguments that may say what a call is about, each of any type: every tool chooses its own.

    An agent's subclass names them, each with `rawjson.ABSENT` as its default.
    """

    def first(self, *names: str) -> str:
        """The first of these arguments that holds a text; empty where none does."""
        for name in names:
            raw = getattr(self, name)
            if raw is not rawjson.ABSENT and (text := rawjson.string_of(raw)):
                return text
        return ""
