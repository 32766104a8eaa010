"""Gives the events of one block stable keys and times, and remembers what the next block needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, OpenCall, SessionContext, differing
from carryover.agents.aider.blocks import plain
from carryover.model import Actor, AnyBody, Op, ResultStatus, SessionInfo
from carryover.records.fields import SUBJECT_CHARS, bounded, digest, resolved
from carryover.records.text import names_own_folder

MAX_INPUTS: Final = 300
"""Most different inputs of one session that are counted."""
_MARK_DIGITS: Final = 12


class Commit(msgspec.Struct, frozen=True):
    """A commit that Aider made and that `/undo` may revert. `place`: the keys of its edits' events."""

    id: str
    place: tuple[str, ...]


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of the session that was read last, between two blocks.

    `last_ms`: the time of the last input, plus 1 ms for each item since. An item is an input, an answer or a message.
    """

    session: str = ""
    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    items: int = 0
    inputs: dict[int, int] = msgspec.field(default_factory=dict)
    """Number of times each input of the session was given so far, by digest."""
    prompt: int = 0
    """Digest of the last input and its number of repetitions; 0 before the first input."""
    since: int = 0
    """Answers and messages since the last input."""
    mark: int = 0
    """Digest of the current item, 0 for an input."""
    reported_ms: int = 0
    """UTC milliseconds of the latest event."""
    whole_files: bool = False
    """Whether the model writes its edits as whole files."""
    test_command: str = ""
    auto_test: bool = False
    """Whether tests run after each edit."""
    untested: bool = False
    """Whether files were changed without a test since."""
    in_turn: bool = False
    """Whether the model was asked and has not answered."""
    interrupted: bool = False
    answer: int = 0
    """Digest of the last answer. In architect mode, the editor model gets it as a prompt."""
    repeated: int = 0
    """Digest of the text given to a command, which is repeated as a separate prompt."""
    silent: bool = False
    """Whether the last answer consists of edits only."""
    call: OpenCall | None = None
    edits: tuple[OpenCall, ...] = ()
    """Edits that the last answer asks for, each with its change, until Aider reports their outcome."""
    message: str = ""
    """The last message. A question about a file follows the file's path."""
    new_path: tuple[str, ...] = ()
    """Files that the user let Aider create."""
    turn: tuple[str, ...] = ()
    """Keys of the events of uncommitted edits."""
    own_commit: bool = True
    """False if the next commit contains changes made before."""
    commits: tuple[Commit, ...] = ()
    lint: str | None = None
    """The linter's output so far; None if it is not printing any."""


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one block."""

    root: str
    """The project, or the folder of a copied history. Paths are relative to it."""
    input_ms: int
    """UTC milliseconds of the last input."""
    seen_ms: int
    """When the block was first seen, UTC milliseconds; 0 if unknown."""
    prompted_by: Actor

    @property
    def item(self) -> str:
        """The key prefix of the prompt, answer or message being parsed. It stays the same if earlier ones are
        removed."""
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
        mark = mark_of(text)
        inputs = self.context.inputs
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
        ident = f"{self.item}#{number}" if number else self.item
        subject = bounded(subject, SUBJECT_CHARS)
        return OpenCall(ident, name, op, subject, actor, handoff=names_own_folder(subject))

    def begin_call(self, call: OpenCall) -> str:
        """Adds the start of a call and returns the event's key."""
        return self._add_at(call.as_event(), f"{call.id}:call")

    def end_call(self, call: OpenCall, outcome: ToolOutcome) -> str:
        """Adds the result of a call and returns the event's key."""
        return self._add_at(call.ended(outcome), f"{call.id}:result")

    def start_call(self, call: OpenCall) -> None:
        """Adds a call whose end comes later. A call that is still open ends as `unknown`."""
        self.close("unknown")
        self.begin_call(call)
        self.change(call=call)

    def close(self, status: ResultStatus) -> None:
        """Adds the end of the open call, if there is one."""
        if (call := self.context.call) is not None:
            self.change(call=None)
            self.end_call(call, ToolOutcome(status, exit_code=0 if status == "ok" else None))

    def path(self, name: str) -> str | None:
        """Returns the absolute path of a file that Aider names; None if it can't be determined."""
        name = name.strip().replace("\\", "/")  # of Windows, and no client for other systems writes one
        return resolved(name, self.root) if name else None

    def _add_at(self, body: AnyBody, key: str) -> str:
        self.append(key, body, session=self.context.session, cwd=self.root)
        return key

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the events of the block, session facts first."""
        facts = self.context.facts
        emitted = self.context.emitted
        if self.events and facts != emitted:
            # The key has no time in it, since a message may get another time when the file is read again.
            self._add_at(SessionInfo(**differing(facts, emitted)), f"{self.item}:info")
            self.events.insert(0, self.events.pop())
            self.change(emitted=facts)
        if self.events:
            self.change(last=self.last_key)
        return self.context, self.built()


def mark_of(text: str) -> int:
    """Returns a fingerprint of a text: a number, because a string of letters and digits would look like a secret."""
    return int(digest(plain(text))[:_MARK_DIGITS], 16)
