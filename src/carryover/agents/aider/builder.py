"""Turns one block into events with stable keys, and the next context."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Final

from carryover.adapter.contract import Parsed, Source, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, OpenCall, differing
from carryover.agents.aider.wire import MAX_INPUTS, Block, Context
from carryover.model import Actor, AnyBody, Op, ResultStatus, SessionInfo
from carryover.records.fields import SUBJECT_CHARS, bounded, digest, resolved
from carryover.records.text import names_own_folder

_MARK_DIGITS: Final = 12


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one block."""

    root: str
    """The project, or the folder of a copied history. Paths are relative to it."""
    input_ms: int
    """UTC milliseconds of the last input."""
    seen_ms: int
    """When the block was first seen, UTC milliseconds; 0 if unknown."""
    prompted_by: Actor = "human"
    """Who wrote the prompt. Anyone may have added to a history in a project, so there it counts as a person's only if
    the input history has it too."""

    @classmethod
    def begin(cls, source: Source, context: Context, block: Block) -> Builder:
        """Returns a builder for a block of the context's session.

        A file outside a project is a copy, so it doesn't show when its blocks were written.
        """
        seen_ms = block.seen_ms if source.group else 0
        return cls(
            context=context,
            root=source.group or posixpath.dirname(source.path),
            input_ms=block.at_ms,
            seen_ms=seen_ms,
            prompted_by="human" if block.typed or not source.group else "model",
        )

    @property
    def item(self) -> str:
        """The key prefix of the prompt, answer or message being parsed; the same if earlier ones are removed."""
        context = self.context
        return f"{context.session}/{context.prompt}.{context.since}.{context.mark}"

    def next_item(self, text: str = "") -> None:
        """Advances to the next answer or message.

        Only inputs carry a time. Other items are dated after their input, not before they were first seen, and 1 ms
        after the item before, so that the order is kept.
        """
        self.change(since=self.context.since + 1, mark=mark_of(f"{self.context.answer} {text}"))
        self._advance()

    def next_input(self, text: str) -> None:
        """Advances to the next input of the user."""
        mark, inputs = mark_of(text), self.context.inputs
        if mark in inputs or len(inputs) < MAX_INPUTS:
            before = inputs.get(mark, 0)
            self.change(inputs={**inputs, mark: before + 1})
        else:
            before = self.context.items
        self.change(prompt=mark_of(f"{before} {text}"), since=0, mark=0)
        self._advance()

    def _advance(self) -> None:
        context = self.context
        last_ms = max(self.input_ms, context.last_ms + 1)
        self.at_ms = max(last_ms, self.seen_ms, context.reported_ms + 1)
        self.change(items=context.items + 1, last_ms=last_ms, reported_ms=self.at_ms)

    def add(self, body: AnyBody, part: str) -> str:
        """Adds an event and returns its key. `part` distinguishes it from other events of the same item."""
        return self._add_at(body, f"{self.item}:{part}")

    def call(self, name: str, op: Op, subject: str, *, actor: Actor = "model", number: int = 0) -> OpenCall:
        """Returns a call without adding it. `number` distinguishes it from other calls of the same item."""
        subject = bounded(subject, SUBJECT_CHARS)
        ident = f"{self.item}#{number}" if number else self.item
        return OpenCall(
            id=ident,
            name=name,
            op=op,
            subject=subject,
            actor=actor,
            handoff=names_own_folder(subject),
        )

    def begin_call(self, call: OpenCall) -> str:
        """Adds the start of a call and returns the event's key."""
        return self._add_at(call.as_event(), f"{call.id}:call")

    def end_call(
        self,
        call: OpenCall,
        status: ResultStatus,
        output: str = "",
        *,
        exit_code: int | None = None,
        never_ran: bool = False,
    ) -> str:
        """Adds the result of a call and returns the event's key."""
        result = call.ended(ToolOutcome(status, output, exit_code, never_ran))
        return self._add_at(result, f"{call.id}:result")

    def start_call(self, call: OpenCall) -> None:
        """Adds a call whose end comes later. A call that is still open ends as `unknown`."""
        self.close("unknown")
        self.begin_call(call)
        self.change(call=call)

    def close(self, status: ResultStatus, *, exit_code: int | None = None) -> None:
        """Adds the end of the open call, if there is one."""
        call = self.context.call
        if call is not None:
            self.change(call=None)
            self.end_call(call, status, exit_code=exit_code)

    def ran(self, call: OpenCall, status: ResultStatus, output: str = "", *, exit_code: int | None = None) -> None:
        """Adds a call together with its result."""
        self.begin_call(call)
        self.end_call(call, status, output, exit_code=exit_code)

    def path(self, name: str) -> str | None:
        """Returns the absolute path of a file that Aider names; None if it can't be determined."""
        name = name.strip().replace("\\", "/")  # of Windows, and no client for other systems writes one
        return resolved(name, self.root) if name else None

    def _add_at(self, body: AnyBody, key: str) -> str:
        self.append(key, body, session=self.context.session, cwd=self.root)
        return key

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the events of the block, session facts first."""
        facts, emitted = self.context.facts, self.context.emitted
        if self.events and facts != emitted:
            # The key has no time in it, since a message may get another time when the file is read again.
            self._add_at(SessionInfo(**differing(facts, emitted)), f"{self.item}:info")
            self.events.insert(0, self.events.pop())
            self.change(emitted=facts)
        if self.events:
            self.change(last=self.last_key)
        return self.context, self.built()


def mark_of(text: str) -> int:
    """Returns a fingerprint of a text that ignores trailing blanks, of which a prompt in the history has two per line.

    It is a number because a string of letters and digits would look like a secret.
    """
    bare = "\n".join(map(str.rstrip, text.split("\n"))).strip()
    return int(digest(bare)[:_MARK_DIGITS], 16)
