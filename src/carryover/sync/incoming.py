"""Takes what other machines recorded into the ledger.

Nothing in a payload is trusted: what is not of the form that this machine stores is skipped, secrets are
redacted again, and every path gets the machine's name in front, so that it names no file of this machine.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import Final

import msgspec

from carryover.clock import utc_now_ms
from carryover.facts import foreign_root
from carryover.ingest.sanitize import clean_entry
from carryover.ledger.batch import ReadyEvent
from carryover.ledger.machines import know_machine, segments_taken, store_received
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, Event, FileEdit, Op, with_paths
from carryover.projects.root import StatePaths
from carryover.records.fields import bounded, is_absolute
from carryover.sync.head import Head
from carryover.sync.payload import LARGEST_BODY, Payload, SyncedEvent, SyncedSession
from carryover.text.pattern import later

AHEAD_MS: Final = 900_000
"""Clocks of two machines differ. A time further ahead than this becomes that of arrival, and leads no longer."""
ROOM_BYTES: Final = 256 << 20
_DIFF_CHARS: Final = 12_000
"""Twice what machines keep of a diff: a page shows hundreds of them whole."""
_AGENT: Final = later(r"[a-z0-9][a-z0-9-]{0,39}")
_PATH_OPS: Final[tuple[Op, ...]] = ("read", "edit", "write")

_decoder: Final[msgspec.json.Decoder[AnyBody]] = msgspec.json.Decoder(AnyBody)


class LedgerIncoming:
    """Stores payloads of other machines in the ledger."""

    def __init__(self, ledger: Ledger, paths: StatePaths) -> None:
        self._ledger = ledger
        self._paths = paths

    async def taken(self, head: Head) -> set[str]:
        """Returns which of the machine's segments are in the ledger."""
        return await self._ledger.write(segments_taken, head.machine, [segment.name for segment in head.segments])

    def has_room(self) -> bool:
        """Whether the disk has more room than this machine's own records may need. Blocks."""
        return shutil.disk_usage(self._paths.state.ledger.parent).free > ROOM_BYTES

    async def take(self, head: Head, payload: Payload, segment: str) -> int:
        """Stores the payload of a segment of the machine that says `head`, each event exactly once. Returns how many
        were new. Raises OSError or LedgerUnavailable; nothing is lost then, since the segment is taken again later.
        """
        name = await self._ledger.write(know_machine, head.machine, machine_prefix(head))
        entries = await asyncio.to_thread(_entries, name, payload, utc_now_ms())
        ledger, at = self._ledger, (head.machine, segment)
        commit = await ledger.write(
            store_received, ledger.reducer, name, entries, withdrawn=payload.replaced, segment=at
        )
        return commit.new_events


def machine_prefix(head: Head) -> str:
    """Returns a machine's name as a prefix of paths. It has at least two letters, since `c:/` is a drive."""
    return head.name if len(head.name) > 1 else f"{head.name}-{head.machine[:4]}"


def _entries(machine: str, payload: Payload, now_ms: int) -> dict[str, list[ReadyEvent]]:
    """Returns what is stored of a payload by agent, without events that are not understood. Blocking."""
    entries: dict[str, list[ReadyEvent]] = {}
    for event in payload.events:
        session = payload.sessions[event.session]
        if (entry := _entry(machine, session, event, now_ms)) is not None:
            entries.setdefault(session.agent, []).append(entry)
    return entries


def _entry(machine: str, session: SyncedSession, event: SyncedEvent, now_ms: int) -> ReadyEvent | None:
    """Returns the event as it is stored; None if its name is not valid or this version does not know its body."""
    names = session.native_id + (event.subagent_id or "")
    if _AGENT.fullmatch(session.agent) is None or not names.isprintable() or len(event.body) > LARGEST_BODY:
        return None
    try:
        body = _decoder.decode(event.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if isinstance(body, FileEdit):
        body = msgspec.structs.replace(body, diff=bounded(body.diff, _DIFF_CHARS))
    root = session.root or ""
    is_placed = root.startswith("/") and root.isprintable() and ".." not in root.split("/")

    def elsewhere(path: str) -> str:
        return foreign_root(machine, path) if is_absolute(path) else path

    cleaned = clean_entry(
        session.agent,
        Event(
            key="",
            session=session.native_id,
            at_ms=event.at_ms if event.at_ms <= now_ms + AHEAD_MS else now_ms,
            body=with_paths(body, elsewhere, _PATH_OPS),
            cwd=foreign_root(machine, root) if is_placed else None,
            subagent_id=event.subagent_id or None,
        ),
    )
    # Each event says itself whether it counts: a record that restored it may be older than what retracted it again.
    return msgspec.structs.replace(
        cleaned,
        key=event.key,
        secondary_key=event.secondary_key,
        retracts=(event.key,) if event.retracted else (),
        restores=(),
        retracts_since_ms=None,
    )
