"""What one block becomes: events with their identity, and the next context."""

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
    """One block while it is parsed."""

    root: str
    """The project, or the folder that a copied history is in: paths in it are relative to that."""
    input_ms: int
    """UTC milliseconds of the last input."""
    seen_ms: int
    """When the block was first seen, UTC milliseconds; 0 where that says nothing."""
    prompted_by: Actor = "human"
    """Who wrote the prompt. In a project anyone may have added to the history, so there it is a person only if the
    input history says so as well."""

    @classmethod
    def begin(cls, source: Source, context: Context, block: Block) -> Builder:
        """Returns a builder for a block of the session that the context knows.

        A file outside of a project is a copy, which says nothing of when its blocks were written.
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
        """Identity of the prompt, answer or message that is parsed: it stays where others before it are cut out."""
        context = self.context
        return f"{context.session}/{context.prompt}.{context.since}.{context.mark}"

    def next_item(self, text: str = "") -> None:
        """Advances to the next answer or message. Only inputs have a time: an item comes after its input, when it was
        seen, and a millisecond after the one before, or what happened last would not be known."""
        self.change(since=self.context.since + 1, mark=mark_of(f"{self.context.answer} {text}"))
        self._advance()

    def next_input(self, text: str) -> None:
        """Advances to the next input."""
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
        """Adds an event and returns its key. `part` distinguishes it from others of the same item."""
        return self._add_at(body, f"{self.item}:{part}")

    def call(self, name: str, op: Op, subject: str, *, actor: Actor = "model", number: int = 0) -> OpenCall:
        """A call; `number` distinguishes it from others of the same item. Nothing is added."""
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
        """Adds a call, and returns the event's key."""
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
        """Adds how a call ended, and returns the event's key."""
        result = call.ended(ToolOutcome(status, output, exit_code, never_ran))
        return self._add_at(result, f"{call.id}:result")

    def start_call(self, call: OpenCall) -> None:
        """Adds a call whose end will be seen later. One that is still open has ended in an unknown way."""
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
        """Adds a call together with its end."""
        self.begin_call(call)
        self.end_call(call, status, output, exit_code=exit_code)

    def path(self, name: str) -> str | None:
        """The absolute path of a file that Aider names; None where it cannot be known."""
        name = name.strip()
        if self.context.windows:
            name = name.replace("\\", "/")
        return resolved(name, self.root) if name else None

    def _add_at(self, body: AnyBody, key: str) -> str:
        self.append(key, body, session=self.context.session, cwd=self.root)
        return key

    def parsed(self) -> tuple[Context, Parsed]:
        """The next context and what the block became, facts about the session first."""
        facts, emitted = self.context.facts, self.context.emitted
        if self.events and facts != emitted:
            # The key has no time in it, since that of a message may be another one when the file is read again.
            self._add_at(SessionInfo(**differing(facts, emitted)), f"{self.item}:info")
            self.events.insert(0, self.events.pop())
            self.change(emitted=facts)
        return self.context, self.built()


def mark_of(text: str) -> int:
    """A fingerprint of a text; a number, since one in letters looks like a secret. Blanks at the ends of lines do not
    count: a prompt in the history has two at each."""
    bare = "\n".join(map(str.rstrip, text.split("\n"))).strip()
    return int(digest(bare)[:_MARK_DIGITS], 16)
