"""Reads what other machines have not been told yet, and takes what they recorded into the ledger.

A position is a place in the ledger's change log. Nothing in a payload is trusted: what is not of the form that this
machine stores is counted and skipped, secrets are taken out again, and every path gets the machine's name in front,
so that it means no file of this machine.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from sqlite3 import Connection
from typing import Final, NamedTuple, Self

import msgspec

from carryover.config import Config, load_config, project_settings
from carryover.facts import GitFacts, foreign_root
from carryover.ingest.sanitize import clean_entry
from carryover.ledger.batch import Entry
from carryover.ledger.codec import DamagedBody, decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import (
    Change,
    Received,
    changes,
    forget_segments,
    forgettings,
    know_machine,
    log_id,
    note_foreign_project,
    standing,
    taken,
)
from carryover.ledger.queries import Selection, whereabouts
from carryover.ledger.rows import RETRACTED, SUPERSEDED
from carryover.ledger.store import Ledger
from carryover.ledger.tombstones import (
    EVERYTHING,
    FOREIGN,
    Tombstone,
    Tombstones,
    conversation_scope,
    project_scope,
    session_scope,
    short_key,
    stored_tombstones,
)
from carryover.model import AnyBody, Event, FileEdit, ToolCall, ToolResult, conversation_of
from carryover.paths import StateDir
from carryover.probe.git import git_facts
from carryover.probe.looks import look_at_each
from carryover.projects.root import StatePaths
from carryover.publish.forgetting import forget_here
from carryover.records.fields import is_absolute
from carryover.sync.clones import repository_of
from carryover.sync.payload import (
    PIECE_BYTES,
    Machine,
    Payload,
    Piece,
    ProjectState,
    SyncedEvent,
    SyncedProject,
    SyncedSession,
    SyncedTombstone,
    Taken,
)

_ROWS: Final = 500
_MOST_EVENTS: Final = 10_000
"""Events of one piece, which the other machine stores in one transaction."""
_LONGEST_ID: Final = 1_000
_LONGEST_ROOT: Final = 4_096
_GIT_S: Final = 2.0


class Position(msgspec.Struct, frozen=True):
    """How far the others were told: up to these numbers of a log."""

    log: str
    done: int = 0
    forgotten: int = 0

    @classmethod
    def after(cls, text: str, log: str) -> Self:
        """Returns the position in `text`, or the beginning of `log` if `text` is damaged or about another log."""
        with suppress(msgspec.MsgspecError, UnicodeError):
            if (found := msgspec.json.decode(text, type=cls)).log == log:
                return found
        return cls(log)

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class LedgerOutgoing:
    """What this machine's ledger has to tell. Every method blocks."""

    def __init__(self, state: StateDir, projects: tuple[str, ...] | None) -> None:
        """`projects` are the roots that the user chose; None for all."""
        self._state = state
        self._projects = projects
        self._is_excluded: dict[str, bool] = {}
        """By root. One whose disk hangs in between would be skipped, and never be told of later."""

    def told(self) -> frozenset[int]:
        """Returns the projects that others may be told of."""
        with closing(connect_read_only(self._state.ledger)) as db:
            return self._roots(db).allowed

    def _roots(self, db: Connection) -> _Roots:
        """Returns the projects; others may be told of those that are chosen, not excluded, and folders here."""
        config = load_config(self._state.config)
        of = {row.id: row.root for row in whereabouts(db)}
        shared = {
            project
            for project, root in of.items()
            if root.startswith("/") and len(root) <= _LONGEST_ROOT and not self._excludes(root, config)
        }
        chosen = (project for project in shared if self._projects is None or of[project] in self._projects)
        return _Roots(of, frozenset(chosen), of.keys() - shared)

    def _excludes(self, root: str, config: Config) -> bool:
        if root not in self._is_excluded:
            self._is_excluded[root] = project_settings(Path(root), config).excluded is not None
        return self._is_excluded[root]

    def pieces(self, position: str) -> Iterator[Piece]:
        """Yields what is new since `position` in bounded pieces; nothing while Carryover is paused.

        Only this machine's own rows, and only of projects that others are told of. A position is '' at first; one of
        another ledger counts as that. A piece that is dropped in the middle is asked for again by the position before.
        """
        with closing(connect_read_only(self._state.ledger)) as db:
            log = log_id(db)
            if log is None or self._state.paused.exists():
                return
            at = Position.after(position, log)
            while rows := forgettings(db, at.forgotten, limit=_MOST_EVENTS):
                at = msgspec.structs.replace(at, forgotten=rows[-1].seq)
                stones = (
                    SyncedTombstone(row.scope, row.from_ms, row.until_ms) for row in rows if row.scope is not None
                )
                keys = tuple(row.from_ms for row in rows if row.scope is None)
                yield Piece(Payload(tombstones=tuple(stones), forgotten_keys=keys), at.text)
            roots = self._roots(db)
            repositories = dict[str, SyncedProject]()
            for batch in _batches(db, at.done):
                at = msgspec.structs.replace(at, done=batch[-1].seq)
                yield Piece(_payload(batch, roots, repositories), at.text)

    def forgets(self) -> str:
        """Returns a text that differs as soon as more is forgotten, here or because another machine did."""
        with closing(connect_read_only(self._state.ledger)) as db:
            rules, newest = db.execute("SELECT count(*), coalesce(max(id), 0) FROM forgotten").fetchone()
            (keys,) = db.execute("SELECT count(*) FROM forgotten_event").fetchone()
            return f"{rules} {newest} {keys}"

    def without_forgotten(self, payload: Payload) -> Payload:
        """Returns one of this machine's payloads without what was forgotten since; the same object if nothing was."""
        with closing(connect_read_only(self._state.ledger)) as db:
            known = stored_tombstones(db)
            rules = [_rules_of(session, known.rules) for session in payload.sessions]
            keys = frozenset(known.keys)
            covered = [
                event
                for event in payload.events
                if short_key(event.key) in keys or _is_covered(event, rules[event.session])
            ]
            there = set(standing(db, [event.key for event in covered]))
        gone = {event.key for event in covered if event.key not in there}
        return _without(payload, gone) if gone else payload

    def project_states(self) -> tuple[ProjectState, ...]:
        """Returns each chosen project's branch and commit now, as far as git answers in time."""
        with closing(connect_read_only(self._state.ledger)) as db:
            allowed = self._roots(db).allowed
            roots = {row.id: row.root for row in whereabouts(db) if row.has_sessions and row.id in allowed}
        found = look_at_each((root for _, root in sorted(roots.items())), _state_of)
        return tuple(state for _, state in found if state is not None)


def _state_of(root: str) -> ProjectState | None:
    with suppress(TimeoutError, OSError):
        git = git_facts(Path(root), timeout_s=_GIT_S) if Path(root).is_dir() else None
        if git is not None:
            return ProjectState(root=root, branch=git.branch, head=git.head, at_ms=_now_ms())
    return None


class _Roots(NamedTuple):
    of: Mapping[int, str]
    allowed: frozenset[int]
    excluded: Collection[int]

    def allows(self, change: Change) -> bool:
        """Whether others may be told of its project, and of that in which it was recorded if that was another."""
        return change.project_id in self.allowed and change.recorded_project_id not in self.excluded


def _batches(db: Connection, after: int) -> Iterator[list[Change]]:
    batch: list[Change] = []
    size = 0
    while rows := changes(db, after, limit=_ROWS):
        for row in rows:
            batch.append(row)
            size += len(row.body)
            if size >= PIECE_BYTES // 4 or len(batch) >= _MOST_EVENTS:  # what is stored may be compressed
                yield batch
                batch = []
                size = 0
        after = rows[-1].seq
    if batch:
        yield batch


def _payload(rows: Sequence[Change], roots: _Roots, repositories: dict[str, SyncedProject]) -> Payload:
    sessions: dict[tuple[str, str], SyncedSession] = {}
    numbers: dict[tuple[str, str], int] = {}
    events: list[SyncedEvent] = []
    replaced: list[bytes] = []
    for row in sorted(filter(roots.allows, rows), key=lambda one: one.event_id):
        if max(len(row.session), len(row.subagent_id)) > _LONGEST_ID:
            continue
        if row.retracted >= SUPERSEDED:
            replaced.append(row.key)
            continue
        try:
            body = msgspec.json.encode(decode_body(row.body))
        except DamagedBody:  # the ledger is being mended; the mended event is a change again
            continue
        name = (row.agent, row.session)
        sessions[name] = SyncedSession(agent=row.agent, native_id=row.session, root=roots.of[row.project_id])
        event = SyncedEvent(
            session=numbers.setdefault(name, len(numbers)),
            key=row.key,
            at_ms=row.at_ms,
            body=body,
            secondary_key=row.secondary_key,
            subagent_id=row.subagent_id or None,
            retracted=row.retracted == RETRACTED,
        )
        events.append(event)
    used = dict.fromkeys(session.root for session in sessions.values() if session.root is not None)
    for root in used.keys() - repositories.keys():
        repositories[root] = repository_of(root)
    return Payload(
        projects=tuple(repositories[root] for root in used),
        sessions=tuple(sessions.values()),
        events=tuple(events),
        replaced=tuple(replaced),
    )


def _rules_of(session: SyncedSession, rules: Iterable[Tombstone]) -> list[Tombstone]:
    """Returns the tombstones that may cover events of a session."""
    scopes = {
        EVERYTHING,
        session_scope(session.agent, session.native_id),
        conversation_scope(session.agent, conversation_of(session.native_id)),
    }
    if session.root is not None:
        scopes.add(project_scope(session.root))
    return [rule for rule in rules if rule.scope in scopes]


def _is_covered(event: SyncedEvent, rules: Iterable[Tombstone]) -> bool:
    return any(rule.from_ms <= event.at_ms < rule.until_ms for rule in rules)


def _without(payload: Payload, gone: Collection[bytes]) -> Payload:
    """Returns the payload without those events, and without sessions and projects that only they needed."""
    events = [event for event in payload.events if event.key not in gone]
    number = {old: new for new, old in enumerate(sorted({event.session for event in events}))}
    sessions = tuple(payload.sessions[old] for old in number)
    roots = {session.root for session in sessions}
    return msgspec.structs.replace(
        payload,
        projects=tuple(project for project in payload.projects if project.root in roots),
        sessions=sessions,
        events=tuple(msgspec.structs.replace(event, session=number[event.session]) for event in events),
    )


AHEAD_MS: Final = 900_000
"""Clocks of two machines differ. A time further ahead than this becomes that of arrival, and leads no longer."""
ROOM_BYTES: Final = 256 << 20
_LARGEST_BODY: Final = 16 << 20
_SHORT_KEYS: Final = 1 << 62
_AGENT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_PATH_OPS: Final = ("read", "edit", "write")

_decoder: Final[msgspec.json.Decoder[AnyBody]] = msgspec.json.Decoder(AnyBody)


class LedgerIncoming:
    """Where payloads of other machines go."""

    def __init__(self, ledger: Ledger, paths: StatePaths) -> None:
        self._ledger = ledger
        self._paths = paths

    def taken(self, machine: Machine) -> set[str]:
        """Returns the ids of the machine's segments that the ledger has. Blocks."""
        with closing(connect_read_only(self._paths.ledger)) as db:
            return taken(db, machine.id)

    def has_room(self) -> bool:
        """Whether the disk has room for more than what this machine itself may have to store. Blocks."""
        return shutil.disk_usage(self._paths.ledger.parent).free > ROOM_BYTES

    async def take(self, machine: Machine, payload: Payload, segment: str | None) -> Taken:
        """Takes a machine's payload, exactly once per event; what it forgot is forgotten here too. With it, all of
        `segment` is taken, if that is given.

        Raises OSError or LedgerUnavailable; nothing is lost then, because the payload comes again.
        """
        name = await self._ledger.write(know_machine, machine.id, label(machine))
        tombstones, selections = await asyncio.to_thread(self._forgotten, payload)
        forgotten = 0
        if selections:  # as if the user had them forgotten here
            latest_ms = max(selection.until_ms or 0 for selection in selections)
            forgotten = (await forget_here(self._ledger, self._paths, selections, latest_ms)).sessions
        received, skipped = await asyncio.to_thread(received_of, name, payload, tombstones, _now_ms())
        if segment is not None:
            received = msgspec.structs.replace(received, segment=(machine.id, segment))
        commit = await self._ledger.store_received(received)
        for project in payload.projects:
            if _is_root(project.root) and project.first_commit is not None:
                known = msgspec.json.encode(project).decode()
                await self._ledger.write(note_foreign_project, foreign_root(name, project.root), known, None)
        return Taken(events=commit.new_events, forgotten=forgotten + commit.forgotten, skipped=skipped)

    async def note_state(self, machine: Machine, states: Sequence[ProjectState], segments: Sequence[str]) -> None:
        """Takes the newest state of a machine's projects, and which segments it has."""
        name = await self._ledger.write(know_machine, machine.id, label(machine))
        await self._ledger.write(forget_segments, machine.id, segments)
        for state in states:
            if _is_root(state.root):
                branch = state.branch if state.branch is not None and state.branch.isprintable() else None
                git = GitFacts(branch=branch, head=state.head, stale=True)
                await self._ledger.write(note_foreign_project, foreign_root(name, state.root), None, git)

    def _forgotten(self, payload: Payload) -> tuple[Tombstones, list[Selection]]:
        """Returns the payload's tombstones, and what they select in the ledger."""
        scopes: dict[bytes, list[tuple[str, str]]] = {}
        with closing(connect_read_only(self._paths.ledger)) as db:
            for agent, session in db.execute("SELECT agent, native_id FROM session") if payload.tombstones else ():
                for scope in (session_scope(agent, session), conversation_scope(agent, conversation_of(session))):
                    scopes.setdefault(scope, []).append((agent, session))
        selections = [
            Selection(agent=agent, session=session, since_ms=rule.from_ms, until_ms=rule.until_ms)
            for rule in payload.tombstones
            for agent, session in scopes.get(rule.scope, ())
        ]
        stones = tuple(Tombstone(one.scope, one.from_ms, one.until_ms, FOREIGN) for one in payload.tombstones)
        keys = tuple(key for key in payload.forgotten_keys if 0 <= key < _SHORT_KEYS)
        return Tombstones(stones, keys), selections


def _now_ms() -> int:
    return int(time.time() * 1000)


def label(machine: Machine) -> str:
    """Returns a machine's name as it may stand before a path: two letters at least, since `c:/` is a disk."""
    name = machine.name if _NAME.fullmatch(machine.name) else machine.id[:8]
    return name if len(name) > 1 else f"{name}-{machine.id[:4]}"


def received_of(machine: str, payload: Payload, tombstones: Tombstones, now_ms: int) -> tuple[Received, int]:
    """Returns what of the payload is stored, and how many events are not understood. Blocking."""
    entries: dict[str, list[Entry]] = {}
    skipped = 0
    for event in payload.events:
        session = payload.sessions[event.session]
        names = session.native_id + (event.subagent_id or "")
        is_usable = _AGENT.fullmatch(session.agent) is not None and names.isprintable()
        entry = _entry(machine, session, event, now_ms) if is_usable else None
        if entry is None:
            skipped += 1
        else:
            entries.setdefault(session.agent, []).append(entry)
    received = Received(machine=machine, entries=entries, withdrawn=payload.replaced, tombstones=tombstones)
    return received, skipped


def _is_root(root: str) -> bool:
    return root.startswith("/") and root.isprintable() and ".." not in root.split("/")


def _entry(machine: str, session: SyncedSession, event: SyncedEvent, now_ms: int) -> Entry | None:
    """Returns the event as it is stored; None if it has no body that this version knows."""
    if len(event.body) > _LARGEST_BODY:
        return None
    try:
        body = _decoder.decode(event.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    is_placed = session.root is not None and _is_root(session.root)
    cleaned = clean_entry(
        session.agent,
        Event(
            key="",
            session=session.native_id,
            at_ms=event.at_ms if event.at_ms <= now_ms + AHEAD_MS else now_ms,
            body=_elsewhere(machine, body),
            cwd=foreign_root(machine, session.root or "") if is_placed else None,
            subagent_id=event.subagent_id or None,
        ),
    )
    return msgspec.structs.replace(
        cleaned, key=event.key, secondary_key=event.secondary_key, retracts=(event.key,) if event.retracted else ()
    )


def _elsewhere(machine: str, body: AnyBody) -> AnyBody:
    """Returns the body with the machine's name before each path."""

    def path(name: str) -> str:
        return foreign_root(machine, name) if is_absolute(name) else name

    match body:
        case FileEdit():
            old_path = path(body.old_path) if body.old_path is not None else None
            return msgspec.structs.replace(body, path=path(body.path), old_path=old_path)
        case ToolCall(op=op) | ToolResult(op=op) if op in _PATH_OPS:
            return msgspec.structs.replace(body, subject=path(body.subject))
        case _:
            return body
