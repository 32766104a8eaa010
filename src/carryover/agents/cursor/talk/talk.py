"""One record of a transcript or of the CLI's store while it is folded: what all kinds of them have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from carryover.adapter.contract import Folded, Source
from carryover.agents.cursor.talk.context import (
    MAX_CHANGES,
    MAX_OPEN_CALLS,
    MAX_WAITING,
    OpenCall,
    TalkContext,
    Waiting,
)
from carryover.agents.cursor.terms.asked import MAX_QUESTIONS, questions_of
from carryover.agents.cursor.terms.outcomes import Outcome
from carryover.agents.cursor.terms.slugs import folder_with, paths_in, slug_of
from carryover.agents.cursor.terms.todos import as_update, todos_after
from carryover.agents.cursor.terms.tools import absolute, changes_of, looks_at_handoff, op_of, plain_name, subject_of
from carryover.agents.cursor.terms.words import words_of
from carryover.model import Actor, Answer, AnyBody, AssistantMessage, Event, Skipped, ToolCall, ToolResult, UserPrompt
from carryover.records import rawjson
from carryover.records.bounds import MAX_NAME_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.changes import as_edit
from carryover.records.text import without_handoff

LATEST_MS: Final = 253_402_300_799_999
"""End of the year 9999: no record is later, whatever it says."""


def possible_parts(blocks: int) -> Iterator[str]:
    """Every part that the events of a message with so many blocks may have."""
    yield "prompt"
    for number in range(blocks):
        yield from (f"{number}", f"{number}.todos", f"{number}.answer")
        yield from (f"{number}.question{place}" for place in range(MAX_QUESTIONS))
        yield from (f"{number}.edit{place}" for place in range(MAX_CHANGES))


@dataclass(slots=True)
class Talk:
    """`context` is replaced as the fold learns; nothing outlives the record but it. `ident` is what keys begin with."""

    source: Source
    context: TalkContext
    session: str
    ident: str
    noted_ms: int = 0
    """When the source was last written, as of the read."""
    sidechain: str | None = None
    at_ms: int = 0
    events: list[Event] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def change(self, **changes: object) -> None:
        """Replace fields of the context."""
        self.context = msgspec.structs.replace(self.context, **changes)

    def place(self, own_ms: int = 0) -> None:
        """Give the record its time: its own, else just after the one before; never before that.

        In a source where no record says its time, it is when the source was last written, as of the read.
        """
        context = self.context
        after = context.last_ms + 1 if context.last_ms else 0
        timed = context.timed or own_ms > 0
        self.at_ms = min(max(after, own_ms if timed else self.noted_ms, 0), LATEST_MS)
        self.change(last_ms=self.at_ms, timed=timed)

    def add(self, body: AnyBody, part: str) -> None:
        """Add an event; `part` is its place in the record. Without any time there is none."""
        if self.at_ms:
            self.events.append(
                Event(
                    key=f"{self.ident}:{part}",
                    session=self.session,
                    at_ms=self.at_ms,
                    body=body,
                    cwd=self.context.cwd,
                    sidechain=self.sidechain,
                )
            )
        elif not self.skipped:
            self.skip("record", "no time")

    def skip(self, record_type: str, reason: str) -> None:
        """Count something that was not understood. `reason` never quotes the record."""
        self.skipped.append(rawjson.skipped(record_type, reason, None))

    def folded(self) -> tuple[TalkContext, Folded]:
        return self.context, Folded(events=tuple(self.events), skipped=tuple(self.skipped))

    def prompt(self, text: str, attachments: int = 0) -> None:
        """A user message as the client hands it to the model; only what was typed becomes a prompt.

        What was open then is over: a call without a result never told one, an edit without a good end is not believed.
        """
        words = words_of(text)
        self.place(words.at_ms)
        self.learn_folder((words.workspace,) if words.workspace else ())
        if words.text or attachments:
            typed = self.sidechain is None and (words.marked or not self.context.marks)
            actor: Actor = "human" if typed else "model"
            self.add(UserPrompt(text=words.text, actor=actor, attachments=attachments), "prompt")
            self.change(marks=self.context.marks or words.marked)
            if typed or self.sidechain is not None:
                self.change(calls=(), waiting=())

    def say(self, text: str, part: str) -> None:
        if text.strip():
            self.add(AssistantMessage(text=text), part)

    def learn_folder(self, paths: Iterable[str]) -> None:
        """The workspace folder, once a path is mentioned that surely lies in it."""
        if self.context.cwd is None and (slug := slug_of(self.source.path)):
            self.know_folder(next((found for path in paths if (found := folder_with(slug, path))), None))

    def know_folder(self, folder: str | None) -> None:
        if found := absolute(folder or "", None):
            self.change(cwd=found)

    def call(self, call_id: str, name: str, args: msgspec.Raw, part: str) -> None:
        """A tool call, and what is already said by calling (a question, a todo list)."""
        if not call_id or not name or len(call_id) + len(name) > MAX_NAME_CHARS:
            self.skip("tool-call", "no usable id or name")
            return
        self.learn_folder(paths_in(args))
        questions = questions_of(call_id, args) if op_of(name) == "ask" else ()
        call = OpenCall(
            call_id=call_id,
            name=name,
            op=op_of(name),
            subject=bounded(questions[0].text, SUBJECT_CHARS) if questions else subject_of(name, args),
            changes=changes_of(name, args, self.context.cwd)[:MAX_CHANGES],
            questions=tuple(bounded(question.text, SHORT_CHARS) for question in questions),
            handoff=looks_at_handoff(args, self.context.cwd),
        )
        self.add(ToolCall(call_id=call.call_id, name=call.name, op=call.op, subject=call.subject), part)
        for number, question in enumerate(questions):
            self.add(question, f"{part}.question{number}")
        if plain_name(name) == "todowrite":
            self._plan(args, part)
        others = tuple(other for other in self.context.calls if other.call_id != call.call_id)
        self.change(calls=(*others, call)[-MAX_OPEN_CALLS:])

    def result(self, call: OpenCall, outcome: Outcome, part: str) -> None:
        """How a call ended, and what it changed if it went well."""
        self.change(calls=tuple(other for other in self.context.calls if other.call_id != call.call_id))
        self.add(
            ToolResult(
                call_id=call.call_id,
                name=call.name,
                op=call.op,
                status=outcome.status,
                subject=call.subject,
                exit_code=outcome.exit_code,
                output="" if call.handoff else without_handoff(outcome.output),
                never_ran=outcome.never_ran,
            ),
            part,
        )
        if outcome.status == "ok":
            for number, change in enumerate(call.changes):
                self.add(as_edit(change, call.call_id), f"{part}.edit{number}")
            if call.questions and outcome.output.strip():
                asked = " / ".join(call.questions)
                self.add(Answer(call_id=call.call_id, question=asked, text=outcome.output.strip()), f"{part}.answer")

    def close_calls(self) -> None:
        """The model went on, so its calls have come back; how, a transcript does not say."""
        for number, call in enumerate(self.context.calls):
            if call.op in ("edit", "write") and call.changes:
                waiting = Waiting(call_id=call.call_id, changes=call.changes)
                self.change(waiting=(*self.context.waiting, waiting)[-MAX_WAITING:])
            self.result(msgspec.structs.replace(call, changes=()), Outcome("unknown"), f"closed{number}")

    def believe_edits(self) -> None:
        """The turn ended well: that its edits were applied is the best there is to know."""
        for number, waiting in enumerate(self.context.waiting):
            for place, change in enumerate(waiting.changes):
                self.add(as_edit(change, waiting.call_id), f"edit{number}.{place}")
        self.change(waiting=())

    def _plan(self, args: msgspec.Raw, part: str) -> None:
        todos = todos_after(self.context.todos, args)
        if todos is None:
            self.skip("tool-call/TodoWrite", "unexpected input")
        else:
            self.change(todos=todos)
            self.add(as_update(todos), f"{part}.todos")
