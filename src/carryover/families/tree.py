"""Records that name their parent: the path to the newest record is the conversation, and a branch that was left is not.

A transcript is appended, so a record's place is only known when it comes: it continues the newest record, or one before
it, and then everything said in between was left. Parsers keep a `Tree` in their context, one node for each record.
"""

from __future__ import annotations

from typing import Final

import msgspec

MOST_NODES: Final = 300
"""The newest records, which can be left and continued; what is older stays."""


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record. `up`: how many nodes before it its parent stands, 0 for a root. `keys`: events that can be left."""

    id: str
    up: int = 1
    keys: tuple[str, ...] = ()


Tree = tuple[Node, ...]
"""Nodes in the order of their records."""


def grown(tree: Tree, ident: str, parent: str | None) -> tuple[Tree, tuple[str, ...]]:
    """Adds a record below its parent; returns the tree and the keys of the events that it leaves behind.

    A record without a parent begins the conversation anew. One whose parent is not known continues the newest record:
    its parent may have been unreadable. What was left once stays retracted when its branch is continued.
    """
    up = _distance(tree, parent)
    left = () if up == 1 else _left(tree, up)
    return (*tree, Node(id=ident, up=up))[-MOST_NODES:], left


def noted(tree: Tree, keys: tuple[str, ...]) -> Tree:
    """Notes the keys of the newest record's events."""
    *others, newest = tree
    return (*others, msgspec.structs.replace(newest, keys=keys))


def _distance(tree: Tree, parent: str | None) -> int:
    if parent is None or not tree:
        return 0
    found = (up for up, node in enumerate(reversed(tree), 1) if node.id == parent)
    return next(found, 1)


def _left(tree: Tree, up: int) -> tuple[str, ...]:
    """Returns the keys on the path to the newest node that are not on the path to the one `up` nodes from the end."""
    before = _path(tree, len(tree) - 1)
    kept = _path(tree, len(tree) - up) if up else set()
    return tuple(key for number in sorted(before - kept) for key in tree[number].keys)


def _path(tree: Tree, number: int) -> set[int]:
    """Returns the numbers of a node and its ancestors, as far as they are kept."""
    path: set[int] = set()
    while 0 <= number < len(tree) and number not in path:
        path.add(number)
        number -= tree[number].up or len(tree)
    return path
