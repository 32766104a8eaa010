"""The tree of blobs in a `store.db`: which messages a root names. Protocol buffers, read only as far as needed.

A root holds the 32-byte ids of its messages in field 1, in order, and the workspace in field 9; newer builds put blobs
between that hold ids themselves (see FACTS.md). Anything else in them is passed by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

ID_BYTES: Final = 32
MAX_MESSAGES: Final = 20_000
_MAX_DEPTH: Final = 4
_MESSAGES: Final = 1
_WORKSPACE: Final = 9


class NotProtobuf(ValueError):
    """The bytes are no protocol buffer."""


class Root(msgspec.Struct, frozen=True):
    """The ids (hex) that a root names in order, and the URI of the workspace."""

    ids: tuple[str, ...]
    workspace: str | None


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of `data` that hold bytes, each with its number. Raises NotProtobuf, perhaps after some of them."""
    at = 0
    end = len(data)
    while at < end:
        tag, at = (data[at], at + 1) if data[at] < 128 else _varint(data, at)
        kind = tag & 7
        if tag >> 3 == 0:
            raise NotProtobuf("field 0")
        if kind == 0:
            _, at = _varint(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = (data[at], at + 1) if at < end and data[at] < 128 else _varint(data, at)
            if length > end - at:
                raise NotProtobuf("a field is cut")
            yield tag >> 3, data[at : at + length]
            at += length
        else:
            raise NotProtobuf("unknown wire type")
    if at > end:
        raise NotProtobuf("a field is cut")


def is_json(blob: bytes) -> bool:
    """Whether a blob is a message rather than a node between."""
    return blob[:64].lstrip()[:1] == b"{"


def root_of(data: bytes) -> Root:
    """What a root names. Raises NotProtobuf."""
    idents, workspace = [], None
    for number, value in fields(data):
        if number == _MESSAGES and len(value) == ID_BYTES:
            idents.append(value.hex())
        elif number == _WORKSPACE and workspace is None:
            workspace = value.decode("utf-8", "replace")
    return Root(tuple(idents), workspace)


def message_ids(root: Root, node_at: Callable[[str], bytes | None], *, limit: int = MAX_MESSAGES) -> list[str]:
    """The ids of a root's first messages in order. `node_at` gives the blob with an id where it is a node between,
    None where it is a message or missing. A node without ids of its own stands for itself.
    """
    found: list[str] = []
    for ident in root.ids:
        if len(found) >= limit:
            break
        _collect(ident, node_at, found, limit, depth=0)
    return found


def _collect(ident: str, node_at: Callable[[str], bytes | None], found: list[str], limit: int, *, depth: int) -> None:
    if len(found) >= limit:
        return
    node = node_at(ident) if depth < _MAX_DEPTH else None
    below = _ids_in(node) if node is not None else []
    if not below:
        found.append(ident)
    for inner in below:
        _collect(inner, node_at, found, limit, depth=depth + 1)


def _ids_in(node: bytes, depth: int = 0) -> list[str]:
    """Every id in a node, those in its embedded messages among them. Empty where it is no protocol buffer."""
    found: list[str] = []
    try:
        for _, value in fields(node):
            if len(value) == ID_BYTES:
                found.append(value.hex())
            elif depth < _MAX_DEPTH and len(value) > ID_BYTES:
                found += _ids_in(value, depth + 1)
    except NotProtobuf:
        return []
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise NotProtobuf("a number is cut")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if not byte & 128:
            return value, at
        shift += 7
