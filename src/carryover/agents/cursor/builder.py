"""Turns one record of any store into events with keys, and the next context."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Reemitted, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, closed, opened, usable_folder
from carryover.agents.cursor import tools
from carryover.agents.cursor.folders import folder_with
from carryover.agents.cursor.prompts import words_of
from carryover.agents.cursor.wire import Context, Conversation, Emitted, OpenCall
from carryover.model import Actor, Answer, AnyBody, AssistantMessage, UserPrompt
from carryover.records import fields
from carryover.records.changes import as_edit
from carryover.records.lenient import Fields

MAX_CONVERSATIONS: Final = 60
MAX_OPEN_CALLS: Final = 100
MAX_CHANGES: Final = 10
"""Most changes kept for one call."""
_JUST_NOW: Final = 3


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one record. `ident` is the prefix of their keys.

    `conversation`: the record's conversation in a database; None for a transcript, whose folder `slug` identifies.
    """

    session: str
    ident: str
    subagent_id: str | None = None
    conversation: Conversation | None = None
    slug: str = ""

    @classmethod
    def of(cls, context: Context, found: Conversation) -> Builder | None:
        """Returns a builder for a record of a conversation in a database; None if the conversation's id can't be
        used."""
        if not all(0 < len(name) <= fields.MAX_NAME_CHARS for name in (found.id, found.parent or found.id)):
            return None
        folders = tuple(filter(usable_folder, found.folders))
        return cls(
            context=context,
            session=found.parent or found.id,
            ident=found.id,
            subagent_id=None if found.parent is None else found.id,
            conversation=msgspec.structs.replace(found, folders=folders),
        )

    @property
    def emitted(self) -> Emitted:
        """The facts about the conversation that were emitted so far."""
        return self.context.emitted.get(self.conversation.id, Emitted()) if self.conversation is not None else Emitted()

    def note_emitted(self, **changes: object) -> None:
        """Updates the facts that were emitted about the conversation."""
        if self.conversation is not None:
            known = dict(self.context.emitted)
            known.pop(self.conversation.id, None)
            if len(known) >= MAX_CONVERSATIONS:  # drops the least recent, but none that is new
                del known[min(list(known)[:-_JUST_NOW], key=lambda ident: known[ident].last_ms)]
            known[self.conversation.id] = msgspec.structs.replace(self.emitted, **changes)
            self.change(emitted=known)

    def change_talk(self, **changes: object) -> None:
        """Replaces fields of the state of a source that holds one conversation."""
        self.change(talk=msgspec.structs.replace(self.context.talk, **changes))

    def place(self, noted_ms: int, own_ms: int = 0) -> None:
        """Returns the record's time or, without one, a time just after the record before; never an earlier one.

        If no record of the source has a time, it is the source's modification time when it was read.
        """
        talk = self.context.talk
        after = talk.last_ms + 1 if talk.last_ms else 0
        timed = talk.timed or own_ms > 0
        self.at_ms = min(max(after, own_ms if timed else noted_ms, 0), fields.LATEST_MS)
        self.change_talk(last_ms=self.at_ms, timed=timed)

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event. `part` distinguishes it from other events of the same record."""
        self.add_as(f"{self.ident}:{part}", body)

    def add_as(self, key: str, body: AnyBody) -> None:
        """Adds an event under a key, unless no time is known."""
        if self.at_ms:
            self.append(key, body, session=self.session, cwd=self.folder, subagent_id=self.subagent_id)
        elif not self.skipped:
            self.skip("record", "no time")

    def parsed(self, reemitted: Reemitted | None = None) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record."""
        if self.events:
            self.note_emitted(last=self.last_key)
        return self.context, self.built(reemitted)

    @property
    def folder(self) -> str | None:
        """The folder that the conversation works in; None while it is unknown."""
        if self.conversation is None:
            return self.context.talk.cwd
        folders = self.conversation.folders
        if len(folders) == 1:
            return folders[0]
        return self.emitted.folder if self.emitted.folder in folders else None

    def learn_folder(self, paths: Iterable[str]) -> None:
        """Remembers the conversation's folder once a path is mentioned that is certainly in it.

        It is the folder with the transcript's slug, or the one of the window's folders that holds the file.
        """
        if self.folder is not None:
            return
        if self.conversation is None:
            found = (folder_with(self.slug, path) for path in paths)
            self.change_talk(cwd=tools.absolute(next(filter(None, found), ""), None))
        else:
            held = (_holding(self.conversation.folders, path) for path in paths)
            self.note_emitted(folder=next(filter(None, held), None))

    def prompt(self, text: str, noted_ms: int, attachments: int = 0) -> None:
        """Adds the part of a user message that was typed as a prompt. Open calls are closed, since they will get no
        result."""
        words = words_of(text)
        marks = self.context.talk.marks
        self.place(noted_ms, words.at_ms)
        self.learn_folder((words.workspace,))
        if words.text or attachments:
            typed = self.subagent_id is None and (words.marked or not marks)
            actor: Actor = "human" if typed else "model"
            self.add(UserPrompt(text=words.text, actor=actor, attachments=attachments), "prompt")
            self.change_talk(marks=marks or words.marked)
            if typed or self.subagent_id is not None:
                self.change_talk(calls=())

    def say(self, text: str, part: str) -> None:
        """Adds a text of the model."""
        if text.strip():
            self.add(AssistantMessage(text=text), part)

    def call(self, call_id: str, name: str, given: Fields, part: str, within: str) -> OpenCall | None:
        """Adds a tool call, and any question in its arguments. `within` prefixes the names of its parts."""
        if not call_id or not name or len(call_id) + len(name) > 2 * fields.MAX_NAME_CHARS:
            self.skip("tool-call", "no usable id or name")
            return None
        self.learn_folder(tools.paths_in(given))
        op = tools.op_of(name)
        asked = tools.questions_of(call_id, given) if op == "ask" else ()
        call = OpenCall(
            id=call_id,
            name=name,
            op=op,
            subject=fields.bounded(asked[0].text if asked else tools.subject_of(name, given), fields.SUBJECT_CHARS),
            changes=tools.changes_of(name, given, self.folder)[:MAX_CHANGES],
            questions=tuple(fields.bounded(question.text, fields.SHORT_CHARS) for question in asked),
            handoff=tools.looks_at_handoff(given, self.folder),
        )
        self.add(call.as_event(), part)
        for number, question in enumerate(asked):
            self.add(question, f"{within}question{number}")
        return call

    def start_call(self, call_id: str, name: str, given: Fields, part: str) -> None:
        """Adds a tool call that stays open until its result arrives, and any todo list in its arguments."""
        call = self.call(call_id, name, given, part, f"{part}.")
        if call is None:
            return
        if tools.plain_name(name) == "todowrite":
            todos = tools.todos_after(self.context.talk.todos, given)
            if todos is None:
                self.skip("tool-call/TodoWrite", "unexpected input")
            else:
                self.change_talk(todos=todos)
                self.add(tools.as_update(todos), f"{part}.todos")
        self.change_talk(calls=opened(self.context.talk.calls, call, most=MAX_OPEN_CALLS))

    def result(self, call: OpenCall, outcome: ToolOutcome, part: str, within: str) -> None:
        """Adds the result of a call, and its changes if it succeeded."""
        self.change_talk(calls=closed(self.context.talk.calls, call.id))
        self.add(call.ended(outcome), part)
        if outcome.status == "ok":
            for number, change in enumerate(call.changes):
                self.add(as_edit(change, call.id), f"{within}edit{number}")
            if call.questions and (said := outcome.output.strip()):
                self.add(Answer(call_id=call.id, question=" / ".join(call.questions), text=said), f"{within}answer")

    def close_calls(self, *, went_on: bool) -> None:
        """Ends the open calls when the model continues or its turn ends, since a transcript has no results.

        Edits count as applied if the turn `went_on`; the outcome of a command is unknown.
        """
        for number, call in enumerate(self.context.talk.calls):
            self.result(msgspec.structs.replace(call, changes=()), ToolOutcome("unknown"), f"closed{number}", "")
            for place, change in enumerate(call.changes if went_on and call.op in ("edit", "write") else ()):
                self.add(as_edit(change, call.id), f"edit{number}.{place}")


def _holding(folders: tuple[str, ...], path: str) -> str | None:
    """Returns the folder that holds a path. A relative path begins with the folder's name."""
    if not fields.is_absolute(path):
        named = [folder for folder in folders if posixpath.basename(folder) == path.partition("/")[0]]
        return named[0] if len(named) == 1 else None
    holding = [folder for folder in folders if f"{path}/".startswith(f"{folder.rstrip('/')}/")]
    return max(holding, key=len, default=None)
