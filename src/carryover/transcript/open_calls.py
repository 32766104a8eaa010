"""Tool calls whose results have not come yet, as a context holds them."""

from __future__ import annotations

from typing import Final, Self, TypeVar

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.model import Actor, FileEdit, Op, ToolCall, ToolResult
from carryover.records import shell_files
from carryover.records.documents import names_documents
from carryover.records.fields import subject_of
from carryover.records.lenient import fields_of, text_of
from carryover.records.own_files import may_print, only_looks
from carryover.records.text import HANDOFF_HEAD, names_own_folder, without_handoff
from carryover.testruns.commands import find_invocations

MOST_OPEN: Final = 200
"""Calls whose results are waited for."""
_MOST_CHARS: Final = 1 << 19
"""Characters of the changes that all of them plan: a patch may name any number of files, and what is open is stored
again with each read."""
_OF_A_CHANGE: Final = 100
"""About what a change takes beside its texts."""


class OpenCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet. Part of a context, so it is stored with the cursor."""

    id: str
    name: str
    op: Op
    subject: str = ""
    actor: Actor = "model"
    changes: tuple[FileEdit, ...] = ()
    handoff: bool = False
    """Whether the call names Carryover's own files, whose text must not be read as news."""
    process: str | None = None
    """The process that it left running, or that it reads or writes to."""
    folder: str | None = None
    """The folder in which a command was started, see `ToolResult`."""

    @classmethod
    def of_command(cls, call_id: str, name: str, command: str, cwd: str | None) -> Self:
        """Returns a call that runs a shell command in `cwd`."""
        return cls(
            id=call_id,
            name=name,
            op="shell",
            subject=subject_of("shell", command),
            changes=shell_files.changes(command, cwd),
            handoff=names_own_folder(f"{cwd or ''} {command}"),
            folder=cwd if matters_where(command) else None,
        )

    def by_user(self) -> Self:
        """Returns the call as the user's own. What it changes is no work of a model's."""
        return msgspec.structs.replace(self, actor="human", changes=())

    def as_event(self) -> ToolCall:
        """Returns the event for the call itself."""
        return ToolCall(call_id=self.id, name=self.name, op=self.op, subject=self.subject, actor=self.actor)

    def ended(self, outcome: ToolOutcome) -> ToolResult:
        """Returns the event for the call's result, without any handoff text that its output repeats."""
        return ToolResult(
            call_id=self.id,
            name=self.name,
            op=self.op,
            status="error" if self._says_it_failed(outcome) else outcome.ended_as,
            subject=self.subject,
            exit_code=outcome.exit_code,
            output="" if self._prints_handoff(outcome.output) else without_handoff(outcome.output),
            never_ran=outcome.never_ran,
            actor=self.actor,
            user_words=outcome.user_words,
            folder=self.folder,
        )

    def _says_it_failed(self, outcome: ToolOutcome) -> bool:
        """Whether all that a tool returned is an object that says that it failed, and why. Few servers of MCP set
        `isError` beside it (n8n-mcp, February 2026)."""
        if self.op != "other" or outcome.status not in ("ok", "unknown"):
            return False
        said = fields_of(outcome.output.lstrip())
        return bytes(said.get("success", b"")) == b"false" and text_of(said.get("error")).strip() != ""

    def _prints_handoff(self, output: str) -> bool:
        """Whether an output may have text of Carryover's own files with nothing that tells it from other text."""
        if not self.handoff or self.op != "shell" or not names_own_folder(self.subject):
            # A command that names none of them was run among them. A sub-agent reports in its own words.
            return self.handoff and self.op != "agent"
        return only_looks(self.subject) or (may_print(self.subject) and HANDOFF_HEAD not in output)


def matters_where(command: str) -> bool:
    """Whether it must be known in which folder a command was started: what is recorded of it runs tests, removes
    folders or names a document."""
    command = subject_of("shell", command)  # a script may be megabytes long
    return shell_files.may_remove(command) or names_documents(command) or bool(find_invocations(command))


_Call = TypeVar("_Call", bound=OpenCall)


def with_open_call(calls: tuple[_Call, ...], call: _Call) -> tuple[_Call, ...]:
    """Adds a call to the open calls, replacing one with the same id; drops the oldest beyond `MOST_OPEN`, and beyond
    `_MOST_CHARS` their changes, of a single call the last ones."""
    left = _MOST_CHARS
    kept: list[_Call] = []
    for each in reversed((*closed(calls, call.id), call)[-MOST_OPEN:]):
        room = [left := left - _chars_of(change) for change in each.changes]
        fit = sum(after >= 0 for after in room)
        kept.append(each if fit == len(room) else msgspec.structs.replace(each, changes=each.changes[:fit]))
    return tuple(reversed(kept))


def _chars_of(change: FileEdit) -> int:
    texts = (change.path, change.old_path, change.anchor, change.diff)
    return _OF_A_CHANGE + sum(len(text) for text in texts if text)


def closed(calls: tuple[_Call, ...], call_id: str) -> tuple[_Call, ...]:
    """Removes a call from the open calls."""
    return tuple(call for call in calls if call.id != call_id)


def known_call(calls: tuple[_Call, ...], call_id: str | None) -> _Call | None:
    """Returns the open call with this id."""
    return next((call for call in calls if call.id == call_id), None)


def started(calls: tuple[_Call, ...], process: str | None) -> _Call | None:
    """Returns the open command that left a process running.

    The newest: a new client numbers from the start again, and what ran in the previous one ended unrecorded.
    """
    of_process = (call for call in reversed(calls) if call.process == process and call.op == "shell")
    return next(of_process, None) if process is not None else None


def with_changed(calls: tuple[_Call, ...], call_id: str, **changes: object) -> tuple[_Call, ...]:
    """Replaces fields of an open call."""
    return tuple(msgspec.structs.replace(call, **changes) if call.id == call_id else call for call in calls)
