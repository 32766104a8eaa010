"""Records what an agent's lines say: events under their keys, and of its tools each call with its result and edits.

An agent brings a table of its tools and handlers for its records. Which call is open, what it is about and what follows
from how it ended is the same for all of them. An adapter that learns facts about a session from single records keeps
`SessionInfo` in its context, as `SessionContext` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final, Generic, Self, TypeVar, get_args

import msgspec

from carryover.adapter.contract import Parsed, Reemitted, Source, ToolOutcome
from carryover.model import (
    Actor,
    AnyBody,
    Event,
    FileEdit,
    Op,
    ResultStatus,
    SessionInfo,
    Skipped,
    TokensUsed,
    WindowUsed,
)
from carryover.records import rawjson
from carryover.records.asked import Asked, asked_in
from carryover.records.fields import (
    MAX_NAME_CHARS,
    SUBJECT_CHARS,
    bounded,
    digest,
    is_fit,
    resolved,
)
from carryover.records.lenient import Fields, first_text, text_of
from carryover.records.patches import files_in_patch, patch_in
from carryover.records.text import names_handoff_file, names_own_folder
from carryover.text.pattern import later
from carryover.transcript.open_calls import OpenCall as OpenCall
from carryover.transcript.open_calls import closed, known_call, with_open_call

_C = TypeVar("_C", bound=msgspec.Struct)


class SessionContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The context of a transcript that holds one session."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record with a time; used for records without one."""
    facts: SessionInfo = SessionInfo()
    emitted: SessionInfo = SessionInfo()
    """The facts as they were last emitted."""
    calls: tuple[OpenCall, ...] = ()
    """The calls whose results have not come yet."""


_Changes = Callable[[Op, Fields, str | None], tuple[FileEdit, ...]]
"""Operation, arguments and folder of a call → the file changes that it makes if it succeeds."""


_MOST_KEPT: Final = 50
"""The most entries of a list that a context remembers."""
_MAX_KEY_CHARS: Final = 1_000
"""More than ids that are fit to be stored make together."""
_SHORT_TEXT: Final = 200
_REMARKS: Final = ("message", "description")
"""Arguments that describe a call. Their wording changes when it is tried again."""
_MAY_NAME_A_SECRET: Final = later(
    r"(?i)pass|pasword|p(?:wd|s?w|sk|at)(?![a-z])|secret|token|credential|oauth|authorization|.key(?!word|board)"
    r"|contrasena|kennwort|senha|wachtwoord|[^\x00-\x7f]"
)
"""What the names have that redaction knows: few outside ASCII are anything else, and none is lost by it."""


def all_texts(given: Fields) -> str:
    """Returns the short texts among arguments, or else the first text, to tell calls of one tool apart. They are sorted
    by name, since a model may give arguments in any order. A secret keeps the name by which it is recognised later."""
    found = {name: text for name in sorted(given) if (text := _named_text(given, name))}
    texts = [text for name, text in found.items() if name not in _REMARKS] or [*found.values()]
    return ", ".join(text for text in texts if len(text) <= _SHORT_TEXT) or next(iter(texts), "")


def _named_text(given: Fields, name: str) -> str:
    text = text_of(given[name]).strip()
    return f"{name}: {msgspec.json.encode(text).decode()}" if text and _MAY_NAME_A_SECRET.search(name) else text


class Tools:
    """The table of an agent's tools: what each does, and which of its arguments say what a call is about.

    >>> tools = Tools({"shell": "bash", "read": "read view"}, about=("path", "pattern"))
    >>> tools.op("view"), tools.op("mcp__shop__view")
    ('read', 'other')
    >>> tools.call("c1", "mcp__shop__find", {"shop": b'"pears"', "kind": b'"ripe"', "message": b'"Hi"'}, None).subject
    'ripe, pears'
    """

    def __init__(
        self,
        names: Mapping[Op, str],
        *,
        about: Sequence[str] = (),
        about_by_op: Mapping[Op, Sequence[str]] | None = None,
        named: Sequence[str] = (),
        folder: str = "cwd",
        changes: _Changes | None = None,
        plain: Callable[[str], str] = str,
    ) -> None:
        """`names`: operation → its tools, with spaces between; all others, as those of MCP servers, are `other`.

        `about`: arguments, the most telling first, or else any; a call of a tool that is not in the table is about all
        of them if it has none of these. `about_by_op`: those of some operations. `named`: others that may name a file
        or folder of ours. `folder`: the arguments that may have the folder that a command runs in. `plain`: a tool's
        name → its name in the table, where names differ by version.
        """
        if unknown := names.keys() - get_args(Op):
            raise ValueError(f"no operation: {', '.join(unknown)}. There are {', '.join(get_args(Op))}")
        self._ops: Final[dict[str, Op]] = {name: op for op, tools in names.items() for name in tools.split()}
        self._about: Final = tuple(about)
        self._about_by_op: Final = about_by_op or {}
        self._plain: Final = plain
        self._named: Final = tuple(named)
        self._folders: Final = folder.split()
        self._changes: Final = changes

    def op(self, name: str) -> Op:
        """Returns the operation of a tool."""
        return self.known(name) or "other"

    def known(self, name: str) -> Op | None:
        """Returns the operation of a tool that the table names; None for another one."""
        return self._ops.get(self._plain(name))

    def about(self, op: Op, given: Fields) -> str:
        """Returns what a call with these arguments is about, as the first file of a patch; empty if none says so."""
        files = files_in_patch(patch_in(given))
        if files:
            return files[0]
        if telling := self._about_by_op.get(op, self._about):
            return first_text(given, *telling)
        return next(filter(None, (_named_text(given, name) for name in given)), "")

    def about_call(self, name: str, op: Op, given: Fields) -> str:
        """Returns what a call of the tool `name` is about, of one that the table does not name all its short texts."""
        return self.about(op, given) or ("" if self.known(name) else all_texts(given))

    def call(self, ident: str, name: str, given: Fields, cwd: str | None) -> OpenCall:
        """Returns a call with the arguments `given`, made in `cwd`."""
        op = self.op(name)
        if op == "shell":
            folder = first_text(given, *self._folders)
            place = resolved(folder, cwd) if folder else cwd
            return OpenCall.of_command(ident, name, text_of(given.get("command")), place)
        question = next((asked.question for asked in asked_in(given.get("questions"))), "")
        about = question or self.about_call(name, op, given) or name
        changes = self._changes(op, given, cwd) if self._changes is not None else ()
        subject = bounded(about, SUBJECT_CHARS)
        named = " ".join((about, *(text_of(given.get(each)) for each in self._named)))
        return OpenCall(ident, name, op, subject, changes=changes, handoff=names_own_folder(named))


class Recorder(msgspec.Struct, Generic[_C], kw_only=True):
    """Collects the events of one record, and counts what is not understood.

    An agent's own class says under which key an event of the record is (`add`). Only `context` outlives the record;
    handlers replace it as they learn.

    A handler begins a call with `begin_call`, and ends it with `take_call` and `end_call`.
    """

    applied: ClassVar[tuple[ResultStatus, ...]] = ("ok",)
    """How a call ends that has made its edits."""
    timeless: ClassVar[bool] = False
    """Whether events without a time are added too."""

    context: _C
    at_ms: int = 0
    """UTC milliseconds; 0 if no time is known, in which case nothing is added."""
    version: str | None = None
    """The client's version, if it is known."""
    data: Fields = {}
    """The fields of the record, or of what it holds."""
    events: list[Event] = []
    skipped: list[Skipped] = []
    tokens: list[TokensUsed] = []
    windows: list[WindowUsed] = []

    def text(self, name: str) -> str:
        """Returns the text in a field of the record; empty if it holds none."""
        return text_of(self.data.get(name))

    def change(self, **changes: object) -> None:
        """Replaces fields of the context."""
        self.context = msgspec.structs.replace(self.context, **changes)

    def remember(self, name: str, *more: object) -> None:
        """Adds to a list of the context, of which the newest stay."""
        self.change(**{name: (*getattr(self.context, name), *more)[-_MOST_KEPT:]})

    def count_tokens(self, key: str, *, session: str, model: str | None = None, **numbers: int | None) -> None:
        """Adds the tokens of one answer under `key`; `numbers` as in `TokensUsed`, None for one that is not recorded.

        Adds nothing if no time is known or all numbers are 0, as of an answer that failed.
        """
        known = {name: number for name, number in numbers.items() if number is not None and number > 0}
        if self.at_ms and known:
            used = TokensUsed(key=key, session=session, at_ms=self.at_ms, model=usable_name(model))
            self.tokens.append(msgspec.structs.replace(used, **known))

    def put_info_first(self, session: str, cwd: str | None, facts: dict[str, str | None], key: str = "") -> None:
        """Adds facts about the session before all other events.

        The session is part of the key, if none is given, since a fork repeats its parent's records but has its own
        facts.
        """
        key = key or f"info/{session}/{self.at_ms}/{digest(msgspec.json.encode(facts))}"
        info = SessionInfo(**facts)
        self.events.insert(0, Event(key=key, session=session, at_ms=self.at_ms, body=info, cwd=cwd))

    def learn(self, **facts: str | None) -> None:
        """Notes facts about the session; None leaves a fact as it is."""
        known = getattr(self.context, "facts", SessionInfo())
        news = {name: fact for name, fact in facts.items() if fact and fact != getattr(known, name)}
        if news and (news := {name: fact for name, fact in news.items() if usable_name(fact)}):
            self.change(facts=msgspec.structs.replace(known, **news))

    def put_news_first(self, session: str, cwd: str | None, key: str = "") -> None:
        """Adds the newly learned facts about the session as `put_info_first` does; nothing until a time is known."""
        facts = getattr(self.context, "facts", SessionInfo())
        emitted = getattr(self.context, "emitted", SessionInfo())
        if facts != emitted and (self.at_ms or self.timeless):
            self.put_info_first(session, cwd, differing(facts, emitted), key)
            self.change(emitted=facts)

    def skip(self, record_type: str, reason: str) -> None:
        """Counts something that was not understood, with the client's version. `reason` must never quote the record."""
        self.skipped.append(rawjson.skipped(record_type, reason, self.version))

    def built(self, reemitted: Reemitted | None = None) -> Parsed:
        """Returns the result for the record."""
        return Parsed(
            events=tuple(self.events),
            skipped=tuple(self.skipped),
            reemitted=reemitted,
            tokens=tuple(self.tokens),
            windows=tuple(self.windows),
        )

    @property
    def last_key(self) -> bytes:
        """The key of the record's last event. It is bytes because text in a context might be taken for a secret."""
        return self.events[-1].key.encode("utf-8", "replace")

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
        self.keep_open(with_open_call(self.open_calls, call))

    def add_typed(self, call: OpenCall, outcome: ToolOutcome, within: str = "") -> None:
        """Adds a command that the user ran and that has ended. `within` comes before the parts of its keys."""
        self.add(call.by_user().as_event(), f"{within}call")
        self.add(call.by_user().ended(outcome), f"{within}result")

    def take_call(self, ident: str, name: str = "?", op: Op = "other") -> OpenCall:
        """Closes the open call with this id and returns it; one that is not known has `name` and `op`."""
        unknown = OpenCall(id=ident, name=name, op=op)
        call = known_call(self.open_calls, ident) or unknown
        self.keep_open(closed(self.open_calls, ident))
        return call

    def end_call(
        self,
        call: OpenCall,
        outcome: ToolOutcome,
        *,
        result: str = "result",
        edit: str = "edit",
        changes: Sequence[FileEdit] | None = None,
    ) -> None:
        """Adds the result of a call under the key `result` and, if that is `applied`, its edits: those of the call, or
        `changes` where the result shows them."""
        self.add(call.ended(outcome), result)
        if outcome.status in self.applied:
            self.add_edits(call, edit=edit, changes=changes)

    def add_edits(self, call: OpenCall, *, edit: str = "edit", changes: Sequence[FileEdit] | None = None) -> None:
        """Adds the edits that a call made: its own, or `changes`. One of the handoff is no work on the project."""
        made = (each for each in (call.changes if changes is None else changes) if not names_handoff_file(each.path))
        for number, change in enumerate(made):
            self.add(msgspec.structs.replace(change, call_id=call.id), f"{edit}{number}")


class OneSession(Recorder[_C], kw_only=True):
    """Records a thread of one session, whose folder is that of the context. `add` takes the last part of a key.

    >>> recorder = OneSession.of(Source(agent="scribe", path="/home/ada/t1.talk"), SessionContext(), 1_795_600_000_000)
    >>> recorder.add_call(OpenCall(id="7", name="run", op="shell"), "7/call")
    >>> recorder.events[0].key
    't1/7/call'
    """

    session: str
    subagent_id: str | None = None
    prefix: str = ""
    """The first part of the keys."""
    kind: str = ""
    """The record's type, as which it is counted if it should add an event and no time is known; empty: not counted."""
    copied: bool = False
    """Whether the record was copied from the session to which its events belong. Those have keys of their own, as the
    session's own transcript replaces them."""

    @classmethod
    def of(cls, source: Source, context: _C, at_ms: int) -> Self:
        """Returns the recorder of a record whose id is unique in the session. A copy whose place names no session is
        one by its own name."""
        session = source.own_session
        return cls(context=context, session=session, prefix=f"{session}/", at_ms=at_ms)

    @property
    def cwd(self) -> str | None:
        """The folder of the events."""
        cwd: str | None = getattr(self.context, "cwd", None)
        return cwd

    @property
    def actor(self) -> Actor:
        """Who speaks in the user role: in a sub-agent, a model."""
        return "human" if self.subagent_id is None else "model"

    @property
    def ident(self) -> str:
        """The first part of the keys, without the sign at its end."""
        return self.prefix[:-1]

    def add(self, body: AnyBody, key: str, mark: str = "") -> None:
        """Adds an event, unless no time is known that it needs. `mark` distinguishes it from others of that moment."""
        if self.at_ms or self.timeless:
            event = Event(
                key=fit_key(f"{'copied/' if self.copied else ''}{self.prefix}{key}"),
                session=self.session,
                at_ms=self.at_ms,
                body=body,
                secondary_key=self.second_key(key, mark),
                cwd=self.cwd,
                subagent_id=self.subagent_id,
                copied=self.copied,
            )
            self.events.append(event)
        elif self.kind:
            self.skip(self.kind, "no time")

    def second_key(self, key: str, mark: str) -> str | None:  # noqa: ARG002 (for clients that write records again)
        """Returns a key that an event keeps when its record is written again under another id; None: it never is."""
        return None


def fit_key(key: str) -> str:
    """Returns a key, or an id of a record, as contexts can hold it: of an absurdly long one the beginning and a
    fingerprint."""
    return key if len(key) <= _MAX_KEY_CHARS else f"{key[:_SHORT_TEXT]}…{digest(key)}"


def reemitted_after(last: bytes | None, *, session: str, subagent_id: str | None = None, more: bool) -> Reemitted:
    """Announces that a thread is emitted again after the event with the key `last`, or from its start if that is None.

    `last` comes from `Recorder.last_key`.
    """
    after = None if last is None else last.decode("utf-8", "replace")
    return Reemitted(session=session, subagent_id=subagent_id, after=after, more=more)


def differing(new: msgspec.Struct, old: msgspec.Struct) -> dict[str, str | None]:
    """Returns the fields of `new` whose values differ from `old`."""
    return {name: value for name in new.__struct_fields__ if (value := getattr(new, name)) != getattr(old, name)}


def usable_name(name: str | None) -> str | None:
    """Returns an id or name if it is fit to be stored; None for an absent, empty or absurdly long one."""
    return name if name and len(name) <= MAX_NAME_CHARS else None


def usable_folder(path: str | None) -> str | None:
    """Returns a folder if it is fit to be stored, else None."""
    return path if path and is_fit(path) else None
