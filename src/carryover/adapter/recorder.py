"""Records what an agent's lines say of its tools: each call with its questions, its result and its edits.

An agent brings a table of its tools and handlers for its records. Which call is open, what it is about and what follows
from how it ended is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar, Final, Self, TypeVar, get_args

import msgspec

from carryover.adapter.contract import Source, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, OpenCall, SessionContext, closed, opened, usable_name
from carryover.model import AnyBody, Op, ResultStatus
from carryover.records.asked import Asked, asked_in
from carryover.records.changes import Change, as_edit
from carryover.records.fields import SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, first_text, text_of
from carryover.records.text import names_own_folder

C = TypeVar("C", bound=msgspec.Struct)

Changes = Callable[[Op, Fields, str | None], tuple[Change, ...]]
"""Operation, arguments and folder of a call → the file changes that it makes if it succeeds."""


class Tools:
    """The table of an agent's tools: what each does, and which of its arguments say what a call is about.

    >>> tools = Tools({"shell": "bash", "read": "read view"}, about=("path", "pattern"))
    >>> tools.op("view"), tools.op("mcp__shop__view")
    ('read', 'other')
    """

    def __init__(
        self,
        names: Mapping[Op, str],
        *,
        about: Sequence[str] = (),
        about_by_op: Mapping[Op, Sequence[str]] | None = None,
        folder: str = "cwd",
        changes: Changes | None = None,
        plain: Callable[[str], str] = str,
    ) -> None:
        """`names`: operation → its tools, with spaces between; all others, as those of MCP servers, are `other`.

        `about`: arguments, the most telling first, and `about_by_op` those of some operations. `folder`: the argument
        with the folder that a command runs in. `plain`: a tool's name → its name in the table, where names differ by
        version.
        """
        if unknown := names.keys() - get_args(Op):
            raise ValueError(f"no operation: {', '.join(unknown)}. There are {', '.join(get_args(Op))}")
        self._ops: Final[dict[str, Op]] = {name: op for op, tools in names.items() for name in tools.split()}
        self._about: Final = tuple(about)
        self._about_by_op: Final = about_by_op or {}
        self._plain: Final = plain
        self._folder: Final = folder
        self._changes: Final = changes

    def op(self, name: str) -> Op:
        """Returns the operation of a tool."""
        return self._ops.get(self._plain(name), "other")

    def knows(self, name: str) -> bool:
        """Whether the table names a tool."""
        return self._plain(name) in self._ops

    def about(self, op: Op, given: Fields) -> str:
        """Returns what a call with these arguments is about; empty if none says so."""
        return first_text(given, *self._about_by_op.get(op, self._about))

    def call(self, ident: str, name: str, given: Fields, cwd: str | None) -> OpenCall:
        """Returns a call with the arguments `given`, made in `cwd`."""
        op = self.op(name)
        if op == "shell":
            folder = text_of(given.get(self._folder)) or cwd
            return OpenCall.of_command(ident, name, text_of(given.get("command")), folder)
        question = next((asked.question for asked in asked_in(given.get("questions"))), "")
        about = question or self.about(op, given) or name
        changes = self._changes(op, given, cwd) if self._changes is not None else ()
        subject = bounded(about, SUBJECT_CHARS)
        return OpenCall(ident, name, op, subject, changes=changes, handoff=names_own_folder(about))


@dataclass(slots=True, kw_only=True)
class Recorder(EventBuilder[C]):
    """Adds the events of calls. An agent's own class says under which key an event of the record stands (`add`).

    A handler begins a call with `begin_call`, and ends it with `take_call` and `end_call`.
    """

    applied: ClassVar[tuple[ResultStatus, ...]] = ("ok",)
    """How a call ends that has made its edits."""

    @property
    def open_calls(self) -> tuple[OpenCall, ...]:
        """The calls whose results have not come yet: `calls` of the context, unless it holds those of many sessions."""
        calls: tuple[OpenCall, ...] = getattr(self.context, "calls", ())
        return calls

    def keep_open(self, calls: tuple[OpenCall, ...]) -> None:
        """Replaces the open calls."""
        self.change(calls=calls)

    def add(self, body: AnyBody, key: str) -> None:
        """Adds an event under a key, or the part of one that tells it from others of the record."""
        raise NotImplementedError

    def identify(self, kind: str, ident: str, name: str = "?") -> bool:
        """Whether a call's id and name are fit to be stored; counts one of the kind `kind` that is not."""
        if usable_name(ident) is not None and usable_name(name) is not None:
            return True
        self.skip(kind, "no usable id or name" if name != "?" else "no usable id")
        return False

    def add_call(self, call: OpenCall, key: str, asked: Sequence[Asked] = (), *, question: str = "question") -> None:
        """Adds a call under `key`, and the questions that it asks."""
        self.add(call.as_event(), key)
        for number, one in enumerate(asked):
            self.add(one.as_event(call.id), f"{question}{number}")

    def begin_call(self, call: OpenCall, key: str, asked: Sequence[Asked] = (), *, question: str = "question") -> None:
        """Adds a call as `add_call` does; it stays open until its result comes."""
        self.add_call(call, key, asked, question=question)
        self.keep_open(opened(self.open_calls, call))

    def take_call(self, ident: str, name: str = "?", op: Op = "other") -> OpenCall:
        """Closes the open call with this id and returns it; one that is not known has `name` and `op`."""
        unknown = OpenCall(id=ident, name=name, op=op)
        call = next((call for call in self.open_calls if call.id == ident), unknown)
        self.keep_open(closed(self.open_calls, ident))
        return call

    def end_call(
        self,
        call: OpenCall,
        outcome: ToolOutcome,
        *,
        result: str = "result",
        edit: str = "edit",
        changes: Sequence[Change] | None = None,
    ) -> None:
        """Adds the result of a call under the key `result` and, if that is `applied`, its edits: those of the call, or
        `changes` where the result shows them."""
        self.add(call.ended(outcome), result)
        if outcome.status in self.applied:
            self.add_edits(call, edit=edit, changes=changes)

    def add_edits(self, call: OpenCall, *, edit: str = "edit", changes: Sequence[Change] | None = None) -> None:
        """Adds the edits that a call made: its own, or `changes`."""
        for number, change in enumerate(call.changes if changes is None else changes):
            self.add(as_edit(change, call.id), f"{edit}{number}")


@dataclass(slots=True, kw_only=True)
class OneSession(Recorder[SessionContext]):
    """Records a source that holds one session, whose records have ids of their own.

    >>> recorder = OneSession.of(Source(agent="scribe", path="/home/ada/t1.talk"), SessionContext(), 1_795_600_000_000)
    >>> recorder.add_call(OpenCall(id="7", name="run", op="shell"), "7/call")
    >>> recorder.events[0].key
    't1/7/call'
    """

    session: str

    @classmethod
    def of(cls, source: Source, context: SessionContext, at_ms: int) -> Self:
        """Returns the recorder of a record at `at_ms`. A copy whose place names no session is one by its own name."""
        return cls(context=context, session=source.session or PurePath(source.path).stem, at_ms=at_ms)

    def add(self, body: AnyBody, key: str) -> None:
        """Adds an event under a key that is unique in the session."""
        self.append(f"{self.session}/{key}", body, session=self.session, cwd=self.context.cwd)
