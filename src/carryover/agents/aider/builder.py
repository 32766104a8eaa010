"""What one block becomes: events with their identity, and the next context."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Final

from carryover.adapter.contract import Parsed, Source
from carryover.adapter.event_builder import EventBuilder, OpenCall, differing
from carryover.agents.aider.context import Context
from carryover.agents.aider.wire import Block
from carryover.model import Actor, AnyBody, Op, ResultStatus
from carryover.records.fields import SUBJECT_CHARS, bounded, digest, resolved
from carryover.records.text import names_own_folder

_MARK_DIGITS: Final = 12


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """One block while it is parsed."""

    root: str
    """The folder that the history is in: paths in it are relative to that."""

    @classmethod
    def begin(cls, source: Source, context: Context, block: Block) -> Builder:
        """Returns a builder for a block of the session that the context knows."""
        return cls(context=context, at_ms=block.at_ms, root=posixpath.dirname(source.path))

    @property
    def item(self) -> str:
        """Identity of the prompt, answer or message that is parsed."""
        return f"{self.context.session}/{self.context.items}"

    def next_item(self) -> None:
        """Goes on to the next prompt, answer or message. Only inputs have a time: what follows one comes after it, each
        a millisecond later, or what happened last would not be known."""
        self.at_ms = max(self.at_ms, self.context.last_ms + 1)
        self.change(items=self.context.items + 1, last_ms=self.at_ms)

    def add(self, body: AnyBody, part: str) -> str:
        """Adds an event and returns its key. `part` distinguishes it from others of the same item."""
        return self._add_at(body, f"{self.item}:{part}")

    def call(self, name: str, op: Op, subject: str, *, actor: Actor = "model", number: int = 0) -> OpenCall:
        """A call; `number` distinguishes it from others of the same item. Nothing is added."""
        subject = bounded(subject, SUBJECT_CHARS)
        ident = f"{self.item}#{number}" if number else self.item
        return OpenCall(id=ident, name=name, op=op, subject=subject, actor=actor, handoff=names_own_folder(subject))

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
        result = call.ended(status, output, exit_code=exit_code, never_ran=never_ran)
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
            self.put_info_first(self.context.session, self.root, differing(facts, emitted))
            self.change(emitted=facts)
        return self.context, self.built()


def mark_of(text: str) -> int:
    """A fingerprint of a text; a number, since one in letters looks like a secret. Blanks at the ends of lines do not
    count: a prompt in the history has two at each."""
    bare = "\n".join(line.rstrip() for line in text.split("\n")).strip()
    return int(digest(bare)[:_MARK_DIGITS], 16)
