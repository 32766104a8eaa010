"""What a record takes back that was said before: a branch that it leaves, or a failure that its answer ends.

Records that name their parent are a tree, and the path to the newest one is the conversation. A transcript is appended,
so a record's place is only known when it comes: it continues the newest record, or one before it, and then everything
said in between was left. Going back to a branch brings back what was said on it. Parsers keep a `Tree` in their
context, with a node for each record, by `Branches.take_place` before they read a record and by `keep_place` after.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from carryover.model import AssistantMessage, Question, Retracted, TurnEnd, UserPrompt
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.resets import failed_turn, names_limit
from carryover.transcript.recorder import Recorder, fit_key

_C = TypeVar("_C", bound=msgspec.Struct)
MOST_NODES: Final = 300
"""The most records that are remembered."""
_KEPT: Final = 250
"""How many stay when there are more: of the oldest only those with words, and those before them, to which one goes
back."""
_NEWEST: Final = 100
"""How many of the newest stay in any case."""
SAID: Final = (AssistantMessage, Question, TurnEnd, UserPrompt)
"""What is left with a branch. Changes of files stay, since clients ask about them separately, or do not undo them."""


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record. `up`: how many nodes before it its parent stands, 0 for a root. `keys`: events that can be left."""

    id: str
    up: int = 1
    keys: tuple[str, ...] = ()


Tree = tuple[Node, ...]
"""Nodes in the order of their records."""


class FailedBranch(msgspec.Struct, frozen=True):
    """A request that failed and may be tried again: the key of the event that ended its turn, and the request. Seen in
    Qwen Code 0.24 and pi 1.5."""

    id: str
    name: str


class Branches(Recorder[_C], kw_only=True):
    """Records what names its parent, with a `tree` in the context, and tries of a request, with `failed` there."""

    def take_place(self, ident: str, parent: str | None) -> None:
        """Puts the record below its parent in the tree: what was said on a branch that it leaves no longer counts."""
        known: Tree = getattr(self.context, "tree", ())
        grown_tree, left, back = grown(known, fit_key(ident), parent and fit_key(parent))
        self.change(tree=grown_tree)
        if left or back:
            self.add(Retracted(keys=left, restored=back), "left")

    def keep_place(self) -> None:
        """Notes what was said in the record that took its place last."""
        said = tuple(event.key for event in self.events if isinstance(event.body, SAID))
        if said:
            self.change(tree=noted(getattr(self.context, "tree", ()), said))

    def fail(self, request: str, said: str, *, limited: bool = False) -> None:
        """Ends the turn with what the provider said, until an answer comes; only once for all tries of one request."""
        request = bounded(request, SHORT_CHARS)
        failed: FailedBranch | None = getattr(self.context, "failed", None)
        if not said or (failed is not None and failed.name == request):
            return
        self.add(failed_turn(said, self.at_ms, limited=limited or names_limit(said)), "end")
        if self.events:
            self.change(failed=FailedBranch(self.events[-1].key, request))

    def recover(self) -> None:
        """Takes back the end of the turn, since an answer came."""
        failed: FailedBranch | None = getattr(self.context, "failed", None)
        if failed is not None:
            self.add(Retracted(keys=(failed.id,)), "recovered")
            self.change(failed=None)


def grown(tree: Tree, ident: str, parent: str | None) -> tuple[Tree, tuple[str, ...], tuple[str, ...]]:
    """Adds a record below its parent; also returns the keys of the events that it leaves, and of those it brings back.

    A record without a parent begins the conversation again. One whose parent is not known continues the newest record:
    its parent may have been unreadable.
    """
    up = _distance(tree, parent)
    left: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    if up != 1 and tree:
        before = set(_path(tree, len(tree) - 1))
        after = set(_path(tree, len(tree) - up)) if up else set()
        left = _keys(tree, before - after)
        back = _keys(tree, after - before)
    return _bounded((*tree, Node(id=ident, up=up))), left, back


def noted(tree: Tree, keys: tuple[str, ...]) -> Tree:
    """Notes the keys of the newest record's events."""
    *others, newest = tree
    return (*others, msgspec.structs.replace(newest, keys=keys))


def _distance(tree: Tree, parent: str | None) -> int:
    if parent is None or not tree:
        return 0
    found = (up for up, node in enumerate(reversed(tree), 1) if node.id == parent)
    return next(found, 1)


def _keys(tree: Tree, numbers: set[int]) -> tuple[str, ...]:
    return tuple(key for number in sorted(numbers) for key in tree[number].keys)


def _parent(tree: Tree, number: int) -> int:
    """Returns the number of a node's parent, below 0 if it has none or none that is kept."""
    up = tree[number].up
    return number - up if up else -1


def _path(tree: Tree, number: int) -> Iterator[int]:
    """Yields the numbers of a node and its ancestors, as far as they are kept."""
    while number >= 0:
        yield number
        number = _parent(tree, number)


def _bounded(tree: Tree) -> Tree:
    """Returns the tree; without some of its oldest nodes once it has become too large."""
    if len(tree) <= MOST_NODES:
        return tree
    newest = len(tree) - _NEWEST
    spoken = [number for number, node in enumerate(tree) if node.keys]
    needed = {*spoken, *(_parent(tree, number) for number in spoken)}
    kept = [number for number in range(len(tree)) if number >= newest or number in needed][-_KEPT:]
    place = {number: at for at, number in enumerate(kept)}
    nodes = []
    for at, number in enumerate(kept):
        ancestors = _path(tree, _parent(tree, number))
        above = next((place[each] for each in ancestors if each in place), at)
        nodes.append(msgspec.structs.replace(tree[number], up=at - above))
    return tuple(nodes)
