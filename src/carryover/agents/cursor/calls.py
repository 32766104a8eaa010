"""What Cursor's stores hold as far as we rely on it, what is remembered between two records, and how one is recorded.

Any field may be missing or have another type. Reported for builds of 2025 and 2026 (`_v` 3 to 18 of the editor's
conversations, 3 of bubbles): FACTS.md.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import Parsed, Reemitted, ToolOutcome
from carryover.agents.cursor import tools
from carryover.model import Answer, AnyBody
from carryover.records import fields, rawjson
from carryover.records.asked import Todo
from carryover.records.lenient import Fields
from carryover.text.pattern import later
from carryover.transcript import recorder as base
from carryover.transcript.recorder import Recorder

MAX_CONVERSATIONS: Final = 60
_JUST_NOW: Final = 3
_DOTS_AND_SLASHES: Final = later(r"[/.]")
_NO_WORD: Final = later(r"[^A-Za-z0-9]+")


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that every record of a database repeats. `folders`: the window's, absolute.

    `parent`: the conversation that this sub-agent's conversation belongs to, or its own id while that is unknown.
    """

    id: str
    name: str = ""
    model: str = ""
    parent: str | None = None
    folders: tuple[str, ...] = ()


class StoreRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that a database's reader emits: the beginning of a conversation, a bubble of the editor, a message of a
    chat, something skipped or, last, the state of the whole conversation."""

    kind: Literal["begin", "bubble", "message", "state", "skipped"]
    conversation: Conversation = Conversation("")
    at_ms: int = 0
    """0 if the time is unknown; of a message, when the chat was made."""
    noted_ms: int = 0
    """When the chat was last changed."""
    on: bool = False
    """Whether what follows continues what was emitted before."""
    more: bool = False
    """Whether another batch follows."""
    id: str = ""
    """Of a bubble or a message; with a state, of the bubble that ended the turn."""
    type: int | None = None
    """Of the bubble's header."""
    bubble: Fields = {}
    aborted: bool = False
    """Whether the turn was broken off at this bubble."""
    message: Fields = {}
    status: str = ""
    """How the last turn ended; empty while it runs."""
    todos: msgspec.Raw = rawjson.ABSENT
    summary: msgspec.Raw = rawjson.ABSENT
    what: Literal["", "conversation", "bubble", "message"] = ""
    why: Literal["", "remote workspace", "not JSON", "unexpected root"] = ""
    """What is skipped, and the reason."""


class OpenCall(base.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    questions: tuple[str, ...] = ()


class TalkContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a source that holds one conversation."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record; records without a time come 1 ms later."""
    timed: bool = False
    """Whether any record had its own time, so that times from elsewhere are no longer used."""
    marks: bool = False
    """Whether the client marks what the user typed, so that a message without the mark is the client's."""
    calls: tuple[OpenCall, ...] = ()
    todos: tuple[Todo, ...] = ()


class Emitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts about a conversation in a database that were emitted so far."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    marks: dict[str, int] = {}
    """Fingerprints of the emitted facts, to emit only new ones. They are numbers, since text might be taken for a
    secret."""
    folder: str | None = None
    """Folder that the conversation works in, if the workspace has several."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records."""

    talk: TalkContext = TalkContext()
    emitted: dict[str, Emitted] = msgspec.field(default_factory=dict, name="told")
    """The conversations emitted last, for databases only. Stored under the field's name in 0.1.0."""


@dataclass(slots=True, kw_only=True)
class CursorRecorder(Recorder[Context]):
    """Records one record of any store. `ident` is the prefix of the keys.

    `conversation`: the record's conversation in a database; None for a transcript, whose folder `slug` identifies.
    """

    session: str
    ident: str
    subagent_id: str | None = None
    conversation: Conversation | None = None
    slug: str = ""

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

    @property
    def open_calls(self) -> tuple[base.OpenCall, ...]:
        """The calls of the source's one conversation; a bubble of the editor has its result with it."""
        return self.context.talk.calls

    def keep_open(self, calls: tuple[base.OpenCall, ...]) -> None:
        """Replaces the open calls."""
        self.change_talk(calls=calls)

    def place(self, noted_ms: int, own_ms: int = 0) -> None:
        """Sets the record's time or, without one, a time just after the record before; never an earlier one.

        If no record of the source has a time, it is the source's modification time when it was read.
        """
        talk = self.context.talk
        after = talk.last_ms + 1 if talk.last_ms else 0
        timed = talk.timed or own_ms > 0
        self.at_ms = min(max(after, own_ms if timed else noted_ms, 0), fields.LATEST_MS)
        self.change_talk(last_ms=self.at_ms, timed=timed)

    def add(self, body: AnyBody, key: str) -> None:
        """Adds an event. `key` distinguishes it from other events of the same record."""
        self.add_as(f"{self.ident}:{key}", body)

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

    def call(self, call_id: str, name: str, given: Fields, part: str, *, stays_open: bool = True) -> OpenCall | None:
        """Adds a tool call and any question in its arguments. It stays open if its result is in another record."""
        if not self.identify("tool-call", call_id, name):
            return None
        self.learn_folder(tools.paths_in(given))
        op = tools.TOOLS.op(name)
        asked = tools.questions_in(given) if op == "ask" else ()
        about = asked[0].question if asked else tools.subject_of(name, given)
        call = OpenCall(
            id=call_id,
            name=name,
            op=op,
            subject=fields.bounded(about, fields.SUBJECT_CHARS),
            changes=tools.changes_of(name, given, self.folder),
            questions=tuple(fields.bounded(one.question, fields.SHORT_CHARS) for one in asked),
            handoff=tools.looks_at_handoff(given, self.folder),
        )
        if stays_open:
            self.begin_call(call, part, asked, question=f"{part}.question")
        else:
            self.add_call(call, part, asked)
        return call

    def result(self, call: base.OpenCall, outcome: ToolOutcome, part: str, within: str = "") -> None:
        """Adds the result of a call, and its changes or the user's answer if it succeeded. `within` prefixes the names
        of its parts."""
        self.end_call(call, outcome, result=part, edit=f"{within}edit")
        said = outcome.output.strip() if outcome.status == "ok" else ""
        if isinstance(call, OpenCall) and call.questions and said:
            self.add(Answer(call_id=call.id, question=" / ".join(call.questions), text=said), f"{within}answer")

    def close_calls(self, *, went_on: bool) -> None:
        """Ends the open calls when the model continues or its turn ends, since a transcript has no results.

        Edits count as applied if the turn `went_on`; the outcome of a command is unknown.
        """
        for number, call in enumerate(self.open_calls):
            self.take_call(call.id)
            self.end_call(call, ToolOutcome("unknown"), result=f"closed{number}")
            if went_on and call.op in ("edit", "write"):
                self.add_edits(call, edit=f"edit{number}.")


def _holding(folders: tuple[str, ...], path: str) -> str | None:
    """Returns the folder that holds a path. A relative path begins with the folder's name."""
    if not fields.is_absolute(path):
        named = [folder for folder in folders if posixpath.basename(folder) == path.partition("/")[0]]
        return named[0] if len(named) == 1 else None
    return fields.folder_holding(path, folders)


def folder_with(slug: str, path: str) -> str | None:
    """Returns `path` or the parent folder that has this slug; None if none has.

    A slug is the absolute path without its first `/`, with `-` for `/` and `.`; some builds put one `-` for any run of
    characters that are neither letters nor digits. It can't be decoded, only compared.
    """
    pure = PurePosixPath(path)
    if not slug or not pure.is_absolute() or ".." in pure.parts or len(path) > fields.MAX_PATH_CHARS:
        return None
    for folder in map(str, (pure, *pure.parents)):
        text = folder.lstrip("/")
        if slug in (_DOTS_AND_SLASHES.sub("-", text), _NO_WORD.sub("-", text).strip("-")):
            return folder
    return None
