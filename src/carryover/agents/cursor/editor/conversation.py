"""One conversation of the editor as it is now: its bubbles in order, and which of them are final.

Order and life come from the list of headers alone: rows of turns that were edited or taken back stay in the database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from carryover.agents.cursor.editor.records import Follows
from carryover.agents.cursor.editor.wire import (
    COMPACTION,
    THINKING,
    TOOL,
    USER,
    Bubble,
    Composer,
    Header,
    PlainHeader,
    ToolData,
    items_of,
    mark_of,
    name_of,
    names_of,
    number_of,
    struct_of,
    time_of,
)
from carryover.readers.sqlite import TooLarge
from carryover.records import rawjson

MAX_HEADERS: Final = 50_000
_UNFINISHED: Final = frozenset(("loading", "pending", "running"))


class Unreadable(Exception):
    """A bubble that is no JSON object."""


class Place(msgspec.Struct, frozen=True):
    """Where one bubble stands. `inline`: the bubble itself, which the oldest form keeps in its place."""

    bubble_id: str
    mark: bytes
    type: int | None
    created_at: msgspec.Raw
    inline: msgspec.Raw | None = None

    @property
    def at_ms(self) -> int:
        """UTC milliseconds, 0 where it is not said."""
        return time_of(self.created_at)


@dataclass(slots=True)
class Reading:
    """`load` gives the bytes of a bubble, None where it has no row."""

    composer: Composer
    load: Callable[[str], bytes | None]
    places: list[Place] = field(init=False)
    generating: frozenset[str] = field(init=False)
    is_known: bool = field(init=False)
    """It has a list of bubbles, if an empty one: without one nothing can be said of what is no longer in it."""
    _loaded: dict[int, Bubble | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = rawjson.part_of(self.composer.full_conversation_headers_only, list[PlainHeader])
        if plain:
            self.is_known = True
            self.places = [_plain_place(header) for header in plain[:MAX_HEADERS] if header.bubble_id]
        else:
            self._find_places()
        self.generating = frozenset(names_of(self.composer.generating_bubble_ids))

    def _find_places(self) -> None:
        listed = items_of(self.composer.full_conversation_headers_only)
        inline = items_of(self.composer.conversation) if not listed else None
        self.is_known = listed is not None or bool(inline)
        found = (_place(item, inline=bool(inline)) for item in (inline or listed or ())[:MAX_HEADERS])
        self.places = [place for place in found if place is not None]

    @property
    def status(self) -> str:
        return name_of(self.composer.status)

    @property
    def is_generating(self) -> bool:
        return self.status == "generating" or bool(self.generating)

    def bubble(self, number: int) -> Bubble | None:
        """The bubble in a place, None where it has no row (yet). Raises Unreadable, TooLarge."""
        if number not in self._loaded:
            if len(self._loaded) > 64:
                self._loaded.clear()
            self._loaded[number] = self._read(self.places[number])
        return self._loaded[number]

    def is_final(self, number: int, bubble: Bubble) -> bool:
        """Nothing will be written to the bubble any more, as far as the conversation tells."""
        place = self.places[number]
        if type_of(place, bubble) == USER:
            return True  # a prompt is never streamed, and is known as soon as it is there
        if place.bubble_id in self.generating or _is_unfinished(bubble):
            return False
        if not self.is_generating:
            return True
        if is_silent(bubble) or is_tool(bubble):
            return number + 1 < len(self.places)
        return self.follows(number) != "nothing"

    def follows(self, number: int) -> Follows:
        """What comes after a bubble, thinking and other bubbles without a word left out."""
        for other in range(number + 1, len(self.places)):
            place = self.places[other]
            if place.type == USER:
                return "user"
            try:
                bubble = self.bubble(other)
            except (Unreadable, TooLarge):
                continue
            if bubble is not None and not is_silent(bubble):
                return "user" if type_of(place, bubble) == USER else "assistant"
        return "nothing"

    def _read(self, place: Place) -> Bubble | None:
        data = place.inline if place.inline is not None else self.load(place.bubble_id)
        if data is None:
            return None
        bubble = struct_of(data, Bubble)
        if bubble is None:
            raise Unreadable
        return bubble


def type_of(place: Place, bubble: Bubble) -> int | None:
    """The bubble's type: its own, else that of its header."""
    own = number_of(bubble.type)
    return own if own is not None else place.type


def is_tool(bubble: Bubble) -> bool:
    """It holds a tool call."""
    return number_of(bubble.capability_type) == TOOL or rawjson.part_of(bubble.tool_former_data, ToolData) is not None


def is_silent(bubble: Bubble) -> bool:
    """It says nothing to the user: thinking, marks, or no text (yet)."""
    if number_of(bubble.capability_type) in (THINKING, COMPACTION):
        return True
    said = name_of(bubble.text).strip() or bytes(bubble.error_details) != b"null"
    return number_of(bubble.type) != USER and not said and not is_tool(bubble)


def _is_unfinished(bubble: Bubble) -> bool:
    tool = rawjson.part_of(bubble.tool_former_data, ToolData)
    return tool is not None and name_of(tool.status) in _UNFINISHED


def _plain_place(header: PlainHeader) -> Place:
    return Place(header.bubble_id, mark_of(header.bubble_id), header.type, header.created_at)


def _place(item: msgspec.Raw, *, inline: bool) -> Place | None:
    header = struct_of(item, Header)
    bubble_id = name_of(header.bubble_id) if header is not None else ""
    if header is None or not bubble_id:
        return None
    return Place(
        bubble_id=bubble_id,
        mark=mark_of(bubble_id),
        type=number_of(header.type),
        created_at=header.created_at,
        inline=item if inline else None,
    )
