"""The structure of a Qwen Code transcript as far as we rely on it, and what is remembered between two records."""

from __future__ import annotations

import msgspec

from carryover.adapter.event_builder import OpenCall
from carryover.families import claude_records, tree
from carryover.model import AssistantMessage, Question, Retracted, TurnEnd, UserPrompt
from carryover.records.lenient import Fields, fields_of
from carryover.records.rawjson import ABSENT

_SAID = (AssistantMessage, Question, TurnEnd, UserPrompt)
"""What a rewind retracts. Changes of files stay, since the client asks about them separately."""


class Line(claude_records.Line, frozen=True, rename="camel"):
    """One record (seen: 0.15.10, 0.24.4)."""

    parent_uuid: str | None = None
    subtype: str | None = None
    provenance: str | None = None
    model: str | None = None
    message: msgspec.Raw = ABSENT
    usage_metadata: msgspec.Raw = ABSENT
    tool_call_result: msgspec.Raw = ABSENT
    system_payload: msgspec.Raw = ABSENT


class Marker(msgspec.Struct, frozen=True):
    """The key of an event, and the prompt that it belongs to."""

    id: str
    name: str


class Context(claude_records.Context, frozen=True, omit_defaults=True):
    """The state of one transcript between two records."""

    titled: bool = False
    """Whether the user set the title, so that titles from the model no longer count."""
    calls: tuple[OpenCall, ...] = ()
    responded: bool = False
    """Whether the model's answer came in whole. Its record follows."""
    failed: Marker | None = None
    """The end of the turn that a failed request was taken for. The client may try again."""
    tree: tree.Tree = ()


class Builder(claude_records.Builder[Line, Context]):
    """Builds the events of one transcript line."""

    @property
    def payload(self) -> Fields:
        """The fields of a record that the client writes for itself, such as a rewind."""
        return fields_of(self.line.system_payload)

    def take_place(self) -> None:
        """Puts the record below its parent. If that leaves a branch, what was said on it is retracted."""
        if self.line.uuid is None:
            return
        grown, left = tree.grown(self.context.tree, self.line.uuid, self.line.parent_uuid)
        self.change(tree=grown)
        if left:
            self.add(Retracted(keys=left), "left")

    def keep_place(self) -> None:
        """Remembers what was said in this record, so that it can be retracted. A fork retracts nothing of its
        parent's."""
        said = tuple(event.key for event in self.events if isinstance(event.body, _SAID))
        if said and self.line.uuid is not None and fields_of(self.line.forked_from) == {}:
            self.change(tree=tree.noted(self.context.tree, said))
