"""The structure of a Qwen Code transcript as far as we rely on it, and what is remembered between two records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import msgspec

from carryover.adapter.event_builder import OpenCall
from carryover.families import claude_records, tree
from carryover.families.retried import Failure
from carryover.records.lenient import Fields, fields_of
from carryover.records.rawjson import ABSENT


class Line(claude_records.Line, frozen=True, rename="camel"):
    """One record (seen: 0.15.10, 0.24.4)."""

    parent_uuid: str | None = None
    provenance: str | None = None
    model: str | None = None
    message: msgspec.Raw = ABSENT
    usage_metadata: msgspec.Raw = ABSENT
    tool_call_result: msgspec.Raw = ABSENT
    system_payload: msgspec.Raw = ABSENT


class Context(claude_records.Context, frozen=True, omit_defaults=True):
    """The state of one transcript between two records."""

    calls: tuple[OpenCall, ...] = ()
    responded: bool = False
    """Whether the model's answer came in whole. Its record follows."""
    failed: Failure | None = None
    tree: tree.Tree = ()


class Builder(claude_records.Builder[Line, Context]):
    """Builds the events of one transcript line."""

    @property
    def payload(self) -> Fields:
        """The fields of a record that the client writes for itself, such as a rewind."""
        return fields_of(self.line.system_payload)

    def handle(self, handle: Callable[[Self], None]) -> None:
        """Handles the record in its place. A fork repeats what its parent said, and does not take it back."""
        ident = self.line.uuid
        if ident is not None:
            tree.take_place(self, ident, self.line.parent_uuid)
        handle(self)
        if ident is not None and not fields_of(self.line.forked_from):
            tree.keep_place(self)
