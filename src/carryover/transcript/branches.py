"""What a record takes back that was said before: a branch that it leaves, or a failure that its answer ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from carryover.model import Retracted
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.resets import failed_turn
from carryover.transcript.recorder import Recorder
from carryover.transcript.tree import SAID, Tree, grown, noted

_C = TypeVar("_C", bound=msgspec.Struct)


class FailedBranch(msgspec.Struct, frozen=True):
    """A request that failed and may be tried again: the key of the event that ended its turn, and the request. Seen in
    Qwen Code 0.24 and pi 1.5."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class Branches(Recorder[_C]):
    """Records what names its parent, with a `tree` in the context, and tries of a request, with `failed` there."""

    def take_place(self, ident: str, parent: str | None) -> None:
        """Puts the record below its parent in the tree: what was said on a branch that it leaves no longer counts."""
        known: Tree = getattr(self.context, "tree", ())
        grown_tree, left, back = grown(known, ident, parent)
        self.change(tree=grown_tree)
        if left or back:
            self.add(Retracted(keys=left, restored=back), "left")

    def keep_place(self) -> None:
        """Notes what was said in the record that took its place last."""
        said = tuple(event.key for event in self.events if isinstance(event.body, SAID))
        if said:
            self.change(tree=noted(getattr(self.context, "tree", ()), said))

    def fail(self, request: str, said: str, *, limited: bool) -> None:
        """Ends the turn with what the provider said, until an answer comes; only once for all tries of one request."""
        request = bounded(request, SHORT_CHARS)
        failed: FailedBranch | None = getattr(self.context, "failed", None)
        if not said or (failed is not None and failed.name == request):
            return
        self.add(failed_turn(said, self.at_ms, limited=limited), "end")
        if self.events:
            self.change(failed=FailedBranch(self.events[-1].key, request))

    def recover(self) -> None:
        """Takes back the end of the turn, since an answer came."""
        failed: FailedBranch | None = getattr(self.context, "failed", None)
        if failed is not None:
            self.add(Retracted(keys=(failed.id,)), "recovered")
            self.change(failed=None)
