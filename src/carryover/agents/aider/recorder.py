"""What Aider's reader remembers between two blocks of a history, and how a block's events are added."""

from __future__ import annotations

import msgspec

from carryover import model
from carryover.adapter.contract import Parsed, ToolOutcome
from carryover.records.fields import resolved, subject_of
from carryover.records.text import names_own_folder
from carryover.transcript.recorder import OpenCall, Recorder, SessionContext


class Commit(msgspec.Struct, frozen=True):
    """A commit that Aider made and that `/undo` may revert. `place`: the keys of its edits' events."""

    id: str
    place: tuple[str, ...]


class AiderContext(SessionContext, frozen=True, omit_defaults=True):
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
    refused: str = ""
    """Why the provider refused the running request, which Aider makes again after a while."""
    interrupted: bool = False
    answer: int = 0
    """Digest of the last answer. In architect mode, the editor model gets it as a prompt."""
    repeated: int = 0
    """Digest of what may be repeated as a prompt: the text given to a command, or an answer without its thinking."""
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


class BlockRecorder(Recorder[AiderContext], kw_only=True):
    """Records one block."""

    root: str
    """The project, or the folder of a copied history. Paths are relative to it."""
    input_ms: int
    """UTC milliseconds of the last input."""
    seen_ms: int
    """When the block was first seen, UTC milliseconds; 0 if unknown."""
    prompted_by: model.Actor

    @property
    def item(self) -> str:
        """The id of the input, answer or message being parsed. It stays the same if earlier ones are removed."""
        return f"{self.context.session}/{self.context.prompt}.{self.context.since}.{self.context.mark}"

    def advance(self, **place: object) -> None:
        """Advances to the next item, and replaces the fields of the context that say where it is.

        Only inputs carry a time. Other items are dated after their input, not before they were first seen, and 1 ms
        after the item before, so that the order is kept.
        """
        last_ms = max(self.input_ms, self.context.last_ms + 1)
        self.at_ms = max(last_ms, self.seen_ms, self.context.reported_ms + 1)
        self.change(items=self.context.items + 1, last_ms=last_ms, reported_ms=self.at_ms, **place)

    def add(self, body: model.AnyBody, key: str) -> None:
        """Adds an event under a key."""
        event = model.Event(key=key, session=self.context.session, at_ms=self.at_ms, body=body, cwd=self.root)
        self.events.append(event)

    def call(self, name: str, op: model.Op, subject: str, *, actor: model.Actor = "model", number: int = 0) -> OpenCall:
        """Returns a call without adding it. `number` distinguishes it from other calls of the same item."""
        ident = f"{self.item}#{number}" if number else self.item
        subject = subject_of(op, subject)
        return OpenCall(ident, name, op, subject, actor, handoff=names_own_folder(subject))

    def end(self, call: OpenCall, outcome: ToolOutcome) -> None:
        """Adds the result of a call."""
        self.end_call(call, outcome, result=f"{call.id}:result", changes=())

    def run(self, name: str, command: str, actor: model.Actor = "model") -> None:
        """Adds a command whose end comes later. One that still runs ends as `unknown`."""
        self.close("unknown")
        call = self.call(name, "shell", command, actor=actor)
        self.add_call(call, f"{call.id}:call")
        self.change(call=call)

    def close(self, status: model.ResultStatus) -> None:
        """Adds the end of the command that runs, if there is one."""
        if (call := self.context.call) is not None:
            self.change(call=None)
            self.end(call, ToolOutcome(status, exit_code=0 if status == "ok" else None))

    def path(self, name: str) -> str | None:
        """Returns the absolute path of a file that Aider names; None if it can't be determined."""
        name = name.strip().replace("\\", "/")  # of Windows, and no client for other systems writes one
        return resolved(name, self.root) if name else None

    def take_edit(self, path: str | None) -> OpenCall | None:
        """Returns the edit of a file that the last answer asked for, and stops waiting for it."""
        call = next((call for call in self.context.edits if call.subject == path), None)
        self.change(edits=tuple(other for other in self.context.edits if other is not call))
        return call

    def drop_edits(self) -> None:
        """Ends the edits that the last answer asked for and Aider has not applied: it no longer will."""
        for call in self.context.edits:
            self.end(call, ToolOutcome("unknown", never_ran=True))
        self.change(edits=())

    def parsed(self) -> tuple[AiderContext, Parsed]:
        """Returns the next context and the events of the block, session facts first."""
        if self.events:
            # The key has no time in it, since a message may get another time when the file is read again.
            self.put_news_first(self.context.session, self.root, f"{self.item}:info")
            self.change(last=self.last_key)
        return self.context, self.built()
