"""Edits one entry of a list in an agent's JSON settings. Pure: bytes in, bytes out, every other byte kept.

    {"<key>": ["<entry>"]}

Comments and trailing commas are accepted (opencode reads them in each of its settings files).
"""

from __future__ import annotations

from carryover.edits.encoding import decode, encode
from carryover.edits.hooks import UNKNOWN, Origin
from carryover.edits.json_document import (
    added,
    document,
    inside,
    layout_of,
    only,
    own_line,
    read,
    removed,
)


def with_entry(data: bytes | None, key: str, entry: str) -> bytes:
    """Returns the settings with `entry` in the list `key`, at its end if it was not there.

    Raises:
        EditRefused: it is not JSON in UTF-8, or `key` is there twice or has another kind of value.
    """
    bom, text = decode(data or b"")
    if not text.strip():
        return bom + encode(document({key: [entry]}))
    root = read(text)
    number = only(text, root, key, list)
    if number is None:
        return bom + encode(added(text, root, key, [entry], layout_of(text), ""))
    entries = inside(text, root.items[number].value_start)
    if any(item.value == entry for item in entries.items):
        return data or b""
    return bom + encode(added(text, entries, None, entry, layout_of(text), own_line(text, root, number)))


def without_entry(data: bytes, key: str, entry: str, origin: Origin = UNKNOWN) -> bytes | None:
    """Returns the settings without `entry`, and without what is only empty because of that; None to delete the file.

    Undoes `with_entry`, given the origin that was recorded before it.

    Raises:
        EditRefused: as for `with_entry`.
    """
    bom, text = decode(data)
    if origin.present:
        return data
    if text.strip():
        text = _without(text, key, entry, keep_list=key in origin.empty)
        if read(text).items or not (origin.missing or origin.blank is not None):
            return bom + encode(text)
        text = origin.blank or ""
    return None if origin.missing else bom + encode(text)


def origin_of(data: bytes | None, key: str, entry: str, known: Origin | None = None) -> Origin:
    """Returns what to record before `with_entry(data)`. `known`: recorded before the entry now in `data` was added.

    Raises:
        EditRefused: as for `with_entry`.
    """
    if data is None:
        return Origin(missing=True)
    text = decode(data)[1]
    if not text.strip():
        return Origin(blank=text)
    if has_entry(data, key, entry):
        return known or Origin(present=True)
    return Origin(empty=(key,)) if _values(text, key) == [] else Origin()


def has_entry(data: bytes, key: str, entry: str) -> bool:
    """Whether the list contains the entry. Raises EditRefused as `with_entry` does."""
    text = decode(data)[1]
    return bool(text.strip()) and entry in (_values(text, key) or ())


def has_list(data: bytes, key: str) -> bool:
    """Whether the settings have a member of that name. Raises EditRefused if they are not JSON in UTF-8."""
    text = decode(data)[1]
    return bool(text.strip()) and any(item.key == key for item in read(text).items)


def _values(text: str, key: str) -> list[object] | None:
    root = read(text)
    number = only(text, root, key, list)
    return None if number is None else list(root.items[number].value)


def _without(text: str, key: str, entry: str, *, keep_list: bool) -> str:
    root = read(text)
    number = only(text, root, key, list)
    if number is None:
        return text
    entries = inside(text, root.items[number].value_start)
    ours = [place for place, item in enumerate(entries.items) if item.value == entry]
    if not ours:
        return text
    if len(entries.items) == 1 and not keep_list:
        return removed(text, root, number)
    return removed(text, entries, ours[-1])
