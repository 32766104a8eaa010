"""Codex's rollouts: where they are, their records, what is remembered between two, and the keys of their events.

Clients up to 0.29 wrote rollouts without an envelope (0.8.0, 0.20.0, 0.22.0, 0.29.0):

    {"id", "timestamp", "instructions", "git"?}     the header, which has the only time of the file
    {"record_type": "state", ...}                   nothing for us
    {"type": "message", ...}                        what later clients put into a `response_item`

No record of theirs says how a turn ended, and prompts and answers are only in messages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import Parsed, Source
from carryover.adapter.layouts import Layout
from carryover.agents.codex import SPEC
from carryover.model import AnyBody, Event, PlanItem, SessionInfo, Skipped, WindowUsed, session_in_other_cwd
from carryover.records import rawjson
from carryover.records.asked import Asked
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, inside, number_of, read_as, text_of
from carryover.records.rawjson import ABSENT, objects_in
from carryover.text.pattern import later
from carryover.transcript import open_calls as base
from carryover.transcript.recorder import Recorder, differing, usable_name

_NAME: Final = (
    r"rollout-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-"
    r"(?P<session>(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))"
    r"(?:_(?i:[0-9a-f-]{36}))?\.jsonl"  # a thread goes on in further files (0.159): then a part's id follows its own
)
LAYOUTS: Final = (
    Layout(root="sessions", globs=("[0-9]*/[0-9]*/[0-9]*/rollout-*.jsonl",), pattern=rf"\d+/\d+/\d+/{_NAME}"),
    Layout(root="archived_sessions", globs=("rollout-*.jsonl",), pattern=_NAME),
)
"""0.8 to 0.169; `.zst` is a compressed copy of a rollout that was read before it was compressed. A sub-agent's file is
named after its own thread; only the records show which session it belongs to."""
_CUT_RECORD: Final = later(
    rb'\{"timestamp":"[^"]{1,40}",(?:"ordinal":\d+,)?"type":"session_meta","payload":\{'
    rb'|\{"id":"[0-9a-fA-F-]{36}","timestamp":"[^"]{1,40}","instructions":"'
)
"""The beginning of the first record (0.32 to 0.169; a header up to 0.29), which may be too long to be complete in the
head of a file."""

MOST_TURNS: Final = 40
_MOST_EMITTED: Final = 20
_MOST_OPEN: Final = 50
_MOST_CLOSED: Final = 200
_COPIED_WITHIN_S: Final = 10
"""A history is copied when the file is created (0.125) or at its first prompt (0.36); what is written later is the
file's own."""
_UUID7: Final = later(r"([0-9a-f]{8})-([0-9a-f]{4})-7")
TOKENS: Final = "event_msg/token_count"
HEADER: Final = "header"
"""The type under which a first line that has none is handled."""


class _Line(msgspec.Struct, frozen=True):
    type: str
    timestamp: str | None = None
    payload: msgspec.Raw = ABSENT


_LINE: Final = msgspec.json.Decoder(_Line)


class OpenRolloutCall(base.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    turn: str | None = None
    plan: tuple[PlanItem, ...] = ()
    asked: tuple[Asked, ...] = ()
    printed: str = ""
    """What the process that it left running has printed so far."""
    escalated: bool = False
    """Whether it asked to run outside the sandbox, which the user may have to allow."""
    told: bool = False
    """Whether it is a script of code mode, and other records have all that it does."""


class RolloutTurn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A turn, from a prompt to its answer. `id` is None in clients before 0.125, which write no turn ids."""

    id: str | None = None
    cwd: str | None = None
    counts: dict[str, int] = {}
    """How many events of each kind it has. Their keys are made of this count, which a migration preserves."""
    retracted: bool = msgspec.field(default=False, name="undone")
    """Whether the user took it back; stored under its first name."""


class EmittedFacts(msgspec.Struct, frozen=True):
    """A session's facts as they were last emitted."""

    session: str
    facts: SessionInfo


class RolloutContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one transcript file between two records."""

    thread: str | None = None
    """Id of the file's own thread. Another thread's first record may follow: 0.125 copies it into a fork."""
    session: str | None = None
    """The thread or, for a sub-agent, the thread that it works for."""
    # Two fields are stored under their first names, so that an update in mid-session can continue.
    subagent_id: str | None = msgspec.field(default=None, name="sidechain")
    emitted: tuple[EmittedFacts, ...] = msgspec.field(default=(), name="told")
    is_internal: bool = False
    """Whether the client itself asks here: may a command run, what is worth remembering. Only its tokens count."""
    cwd: str | None = None
    """The first folder. Turns in another folder belong to another session, since a session has one project."""
    place: str | None = None
    """The folder of the next turn, if a record named it before the turn began."""
    family: Literal["flat", "legacy", "paginated"] | None = None
    """Which records hold prompts and answers. It depends on the file, not on the client's version."""
    in_terminal: bool = False
    """Whether the user types in the terminal, which removes white space around what is typed."""
    facts: SessionInfo = SessionInfo()
    made_s: int = 0
    """When the file was created, in epoch seconds."""
    copied_s: int | None = None
    """The same, while the history copied into a fork or sub-agent is being read."""
    history: RolloutContext | None = None
    """The state of the thread that the history was copied from."""
    history_ms: int = 0
    """When the turn of the history that is being read began; copies have the time of the fork."""
    last_ms: int = 0
    since_ms: int = 0
    """When the record was written after which this file continues its thread (`parts`); 0 if there was no rewind."""
    used: int = 0
    """The thread's total of tokens that the file named last, in its own records or in copies."""
    turns: tuple[RolloutTurn, ...] = ()
    """The newest and current turn last."""
    calls: tuple[OpenRolloutCall, ...] = ()
    closed: tuple[str, ...] = ()
    """Ids of calls with a result. A second record of the result adds nothing."""
    records_commands: bool = False
    """Whether the commands of code mode scripts have their own records: those of 0.145 and 0.146 have none, though
    their patches do."""
    goal: str = ""
    """The digest of the newest goal, and of when it was made."""
    review: bool = False
    """Whether the client asks for a review, in its own wording."""


def made_s(ident: str) -> int:
    """Returns when a UUID of version 7 was created, in epoch seconds; 0 for any other text."""
    found = _UUID7.match(ident)
    return int(found[1] + found[2], 16) // 1000 if found is not None else 0


def exported_rollout(path: Path, head: bytes) -> Source | None:
    """Returns the rollout in a file anywhere on disk, recognised by its first record.

    A file name as Codex writes it contains the thread's id; otherwise the id comes from the records.
    """
    first = next(objects_in(head, most=1), {})
    is_header = "instructions" in first and all(isinstance(first.get(name), str) for name in ("id", "timestamp"))
    is_first = first["type"] == "session_meta" if "type" in first else is_header
    if not is_first and not _CUT_RECORD.match(head):
        return None
    named = re.fullmatch(_NAME, path.name)
    session = named["session"] if named is not None else None
    return Source(agent=SPEC.id, path=str(path), session=session)


def read_rollout_line(data: bytes, context: RolloutContext) -> _Line | Skipped | None:
    """Returns the record in a line of either form; None for a line that is known to be empty of events."""
    line = rawjson.read_line(_LINE, data, version=context.facts.agent_version)
    if isinstance(line, _Line):
        is_bare = context.family == "flat" and line.payload is ABSENT
        return _Line("response_item", payload=msgspec.Raw(data)) if is_bare else line
    fields = fields_of(data)
    timestamp = text_of(fields.get("timestamp"))
    if text_of(fields.get("record_type")) == "state":  # some files of later clients have it too
        return None
    if context.thread is None and text_of(fields.get("id")) and timestamp:
        return _Line(HEADER, timestamp=timestamp, payload=msgspec.Raw(data))
    return line


class Rollout(Recorder[RolloutContext], kw_only=True):
    """Records one line of a rollout."""

    name: str
    """The record's type, with the type of its event or item if it holds one: `event_msg/task_started`."""
    thread: str
    timed: bool
    """Whether the record has a time."""
    turns: dict[str | None, RolloutTurn] = msgspec.field(default_factory=dict)
    """By id; the newest and current turn last."""
    turn: RolloutTurn = RolloutTurn()
    """The turn that added events belong to."""

    def __post_init__(self) -> None:
        self.turns = {turn.id: turn for turn in self.context.turns}
        self.turn = self.context.turns[-1] if self.context.turns else RolloutTurn(cwd=self.context.cwd)

    @property
    def call_id(self) -> str | None:
        """The id of the call that the record belongs to; None if it is unusable."""
        return usable_name(self.text("call_id") or self.text("id"))

    @property
    def cwd(self) -> str | None:
        """The turn's folder."""
        return self.turn.cwd or self.context.cwd

    @property
    def session(self) -> str:
        """The turn's session: a separate one if its folder is not the thread's first.

        A sub-agent's file doesn't show where its parent's thread began. It gets the session that a turn of the parent
        thread in this folder has, or would have; the ledger knows whether both are in the same project.
        """
        session = self.context.session or self.thread
        if self.cwd is None:
            return session
        here = self.cwd.rstrip("/")
        first = self.context.cwd
        if self.context.subagent_id is None and (first is None or here == first.rstrip("/")):
            return session
        return session_in_other_cwd(session, digest(here)[:8])

    @property
    def started_s(self) -> int:
        """When the turn that the record begins was started, in epoch seconds; 0 if it begins none or has no time."""
        if self.name != "event_msg/task_started":
            return 0
        # 0.114 writes no time, but the turn's id begins with it, also in a copied history.
        return number_of(self.data.get("started_at")) or made_s(self.text("turn_id"))

    @property
    def is_copied(self) -> bool:
        """Whether the record is history that the client copied from the thread that was forked (0.125), resumed (0.36)
        or that started this one.

        Copies have the time of the fork but keep the start time of their turn, so the first turn that started after the
        fork is the fork's own. If no turn with a start time follows, copying ends by the clock.
        """
        copied_s = self.context.copied_s
        if copied_s is None or (self.timed and self.at_ms >= (copied_s + _COPIED_WITHIN_S) * 1000):
            return False
        return self.started_s < copied_s

    @property
    def total(self) -> int:
        """All tokens of the thread so far; 0 if the record does not say."""
        return number_of(inside(self.data.get("info", ABSENT), "total_token_usage", "total_tokens")) or 0

    def start_turn(self, turn_id: str | None, cwd: str | None = None) -> None:
        """Begins a turn. Until a record names its folder, it has the announced folder, or else that of the last
        turn."""
        turn = self.turns.pop(turn_id, None) or RolloutTurn(id=turn_id, cwd=self.context.place or self.cwd)
        self.turn = turn if cwd is None else msgspec.structs.replace(turn, cwd=cwd)
        self.turns[turn_id] = self.turn

    def move_to(self, folder: str | None) -> None:
        """Begins a turn in a folder, which becomes the thread's first if none was known; for turns without ids."""
        if folder is not None:
            self.change(cwd=self.context.cwd or folder)
            self.start_turn(None, folder)

    def at_turn(self, turn_id: str | None) -> None:
        """Selects the turn to which events are added; it need not be the current one. An empty id means that no
        record names it."""
        if usable_name(turn_id) is None or turn_id == self.turn.id:
            return
        if turn_id not in self.turns:
            current = self.turns.popitem() if self.turns else (None, RolloutTurn(cwd=self.context.cwd))
            self.turns.update([(turn_id, RolloutTurn(id=turn_id, cwd=self.context.place or self.cwd)), current])
        self.turn = self.turns[turn_id]

    def mark_turn(self, **changes: object) -> None:
        """Replaces fields of the selected turn."""
        self.turn = msgspec.structs.replace(self.turn, **changes)
        self.turns[self.turn.id] = self.turn

    def say(self, body: AnyBody, part: str, mark: str) -> None:
        """Adds an event to the selected turn.

        Its key is the turn and its number among events of the same `part`; before there were turn ids, its time and
        `mark`, which distinguishes it from others of that moment. A late event of a turn that the user retracted is
        retracted too.
        """
        if self.turn.retracted:
            return
        key = f"{self.thread}/{self.at_ms}/{part}/{mark}"
        if self.turn.id is not None:
            number = self.turn.counts.get(part, 0)
            self.mark_turn(counts={**self.turn.counts, part: number + 1})
            key = f"{self.turn.id}/{part}/{number}"
        self._add(body, key, part, mark)

    def add(self, body: AnyBody, key: str) -> None:
        """Adds an event of a tool call under the call's id, by which both families of records know it, and a part."""
        call_id, _, part = key.rpartition(":")
        # Not every provider's call ids are unique beyond a turn.
        self._add(body, f"{self.turn.id or self.thread}/{key}", part, call_id)

    def _add(self, body: AnyBody, key: str, part: str, mark: str) -> None:
        if not self.at_ms:
            self.skip(part, "no time")
            return
        subagent_id = self.context.subagent_id
        secondary_key = f"{self.at_ms}/{subagent_id or ''}/{part}/{mark}" if self.timed else None
        event = Event(
            key=key,
            session=self.session,
            at_ms=self.at_ms,
            body=body,
            secondary_key=secondary_key,
            cwd=self.cwd,
            subagent_id=subagent_id,
        )
        self.events.append(event)

    def keep_open(self, calls: tuple[base.OpenCall, ...]) -> None:
        """Replaces the open calls, of which the newest are kept."""
        self.change(calls=calls[-_MOST_OPEN:])

    def close(self, call: OpenRolloutCall) -> None:
        """Closes a call, and selects its turn."""
        self.keep_open(base.closed(self.context.calls, call.id))
        self.change(closed=(*self.context.closed, call.id)[-_MOST_CLOSED:])
        self.at_turn(call.turn)

    def parsed(self) -> tuple[RolloutContext, Parsed]:
        """Returns the next context and the result of the record, session facts first."""
        if self.events:
            self.put_facts_first()
            # Without an envelope the header has the only time: lines get times just after it, in their order.
            self.change(last_ms=self.at_ms + (self.context.family == "flat"))
        # The newest turns, and older ones in which something still runs, whose end belongs to them.
        turns = tuple(self.turns.values())
        running = {call.turn for call in self.context.calls}
        old = (turn for turn in turns[:-MOST_TURNS] if turn.id in running)
        self.change(turns=(*old, *turns[-MOST_TURNS:]))
        return self.context, self.built()

    def put_facts_first(self) -> None:
        """Adds the facts about the session that are new before all other events."""
        first = self.events[0] if self.events else self
        session, cwd, facts = first.session, first.cwd, self.context.facts
        own = self.context.session or self.thread
        if session != own:
            # The branch belongs to the thread's first folder.
            facts = msgspec.structs.replace(facts, branch=None, parent=own)
        emitted = next((known.facts for known in self.context.emitted if known.session == session), SessionInfo())
        if facts != emitted and self.at_ms and self.context.subagent_id is None:
            self.put_info_first(session, cwd, differing(facts, emitted))
            others = tuple(other for other in self.context.emitted if other.session != session)
            self.change(emitted=(*others, EmittedFacts(session, facts))[-_MOST_EMITTED:])


def handle_tokens(rollout: Rollout) -> None:
    """Handles `token_count`, which is written after each request, and again whenever the limits change.

    The total of the thread tells a repeated record from a new one. What came from the cache is part of the input, as
    reasoning is of the output.
    """
    info = rollout.data.get("info")
    last = fields_of(fields_of(info).get("last_token_usage"))
    total = fields_of(fields_of(info).get("total_token_usage"))
    before = rollout.context.used
    rollout.change(used=rollout.total or before)
    if last and total and rollout.context.used != before:
        whole = number_of(last.get("input_tokens")) or 0
        read = number_of(last.get("cached_input_tokens")) or 0
        counts = [number_of(total.get(name)) for name in ("input_tokens", "cached_input_tokens", "output_tokens")]
        rollout.count_tokens(
            "/".join([rollout.thread, *map(str, counts)]),
            session=rollout.session,
            model=rollout.context.facts.model,
            input=whole - min(read, whole),
            output=number_of(last.get("output_tokens")),
            cache_read=min(read, whole),
        )
    limits = fields_of(rollout.data.get("rate_limits"))
    for name in ("primary", "secondary"):
        window = fields_of(limits.get(name))
        used = read_as(window.get("used_percent"), float)
        at_s, in_s = number_of(window.get("resets_at")), number_of(window.get("resets_in_seconds"))
        resets_ms = at_s * 1000 if at_s is not None else None if in_s is None else rollout.at_ms + in_s * 1000
        minutes = number_of(window.get("window_minutes"))
        if used is not None and rollout.at_ms:
            window_used = WindowUsed(name=name, at_ms=rollout.at_ms, used_percent=used)
            rollout.windows.append(msgspec.structs.replace(window_used, minutes=minutes, resets_ms=resets_ms))
