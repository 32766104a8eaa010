"""What a ledger holds, and whether it is all still there: compared by records, and by what users see of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carryover.ledger.codec import decode_body
from carryover.model import SessionInfo
from rehearsal.stage import User

Event = tuple[str, str, str, str]
"""Agent, session, the event's key in hexadecimal, its kind."""
_EVENTS: Final = """SELECT agent, native_id, hex(key), body FROM event
    JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id"""
_NAMED: Final = 3
_ALL: Final = 100_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded at one moment. `shown`: each session whole, as `carryover export` writes it, by its id."""

    ledger: int
    events: frozenset[Event]
    listed: Mapping[str, Mapping[str, Any]]
    shown: Mapping[str, str]

    def __str__(self) -> str:
        return f"ledger {self.ledger}, {len(self.events)} events, {len(self.listed)} sessions"


def ledger_of(user: User) -> Path:
    """Returns the ledger of a user who has no settings of their own for it."""
    return user.home / ".carryover/ledger.sqlite"


def recorded(user: User) -> Recorded:
    """Returns what a user's ledger holds, and what their `carryover` shows of it."""
    with closing(sqlite3.connect(f"file:{ledger_of(user)}?mode=ro", uri=True)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        rows = db.execute(_EVENTS).fetchall()
    events = frozenset((*names, type(decode_body(body)).__name__) for *names, body in rows)
    listing = ("carryover", "sessions", "--all", "--limit", str(_ALL), "--json")
    listed = {each["id"]: each for each in json.loads(user.run(*listing))}
    export = ("carryover", "export", "--format", "atif", "--full", "--session")
    return Recorded(version, events, listed, {session: user.run(*export, session) for session in listed})


def lost(before: Recorded, after: Recorded) -> list[str]:
    """Says what `before` had and `after` does not, or shows differently; empty if it is all there."""
    return [
        *_missing(before.events - after.events, before, after),
        *_some("sessions are listed differently", _changed(before.listed, after.listed)),
        *_some("sessions are shown differently", _changed(_steps(before), _steps(after))),
    ]


def lost_content(before: Recorded, after: Recorded) -> list[str]:
    """Says what `before` had and `after` lacks, if sessions went on between them or were read again.

    Times may differ, since one that lies in the future becomes that of arrival. So may what an agent's store says of a
    session as a whole, which is another event whenever it is read.
    """
    said = {session: _messages(steps) for session, steps in _steps(before).items()}
    now = {session: _messages(steps) for session, steps in _steps(after).items()}
    silent = [session for session, messages in said.items() if messages - now.get(session, set())]
    gone = {event for event in before.events - after.events if event[-1] != SessionInfo.__name__}
    return [*_missing(gone, before, after), *_some("sessions lack messages", silent)]


def _missing(gone: Set[Event], before: Recorded, after: Recorded) -> list[str]:
    return [
        *_some("events are gone", gone),
        *_some("sessions are no longer listed", before.listed.keys() - after.listed.keys()),
    ]


def _some(what: str, found: Iterable[object]) -> list[str]:
    names = sorted(map(str, found))
    return [f"{len(names)} {what}: {', '.join(names[:_NAMED])}"] if names else []


def _changed(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Returns the names whose facts changed. A newer version may say more of them than an older one."""
    return [
        f"{name} ({', '.join(differing)})"
        for name, facts in before.items()
        if name in after and (differing := [key for key in facts if facts[key] != after[name].get(key)])
    ]


def _steps(seen: Recorded) -> dict[str, dict[str, Any]]:
    """Returns the steps of each trajectory by their number: what was said and done, not which version wrote it."""
    return {
        session: {str(number): _of_step(step) for number, step in enumerate(json.loads(text)["steps"], start=1)}
        for session, text in seen.shown.items()
    }


def _messages(steps: Mapping[str, Any]) -> set[str]:
    return {json.dumps(step.get("message")) for step in steps.values()}


def _of_step(step: Mapping[str, Any]) -> dict[str, Any]:
    # Tokens are counted by newer versions of more agents.
    return {name: value for name, value in step.items() if name != "metrics"}
