"""Folds threads before their events are stored, as an offer to the commit that stores them.

A source that is read from its beginning usually holds all of its threads, so the digest that the ledger will have
before each batch is known. Where that turns out otherwise the offer does not fit, and the ledger folds by itself.
"""

from __future__ import annotations

import secrets

from carryover.ledger.batch import Entry, FoldedThread, PreparedBatch
from carryover.ledger.threads import NO_DIGEST, Reducer
from carryover.model import Event


class FoldAhead:
    """The threads of one source, from its first batch on."""

    def __init__(self, reducer: Reducer) -> None:
        self._reducer = reducer
        self._digests: dict[tuple[str, str], bytes] = {}
        # The ledger keys events by their rows, which are not known yet. A digest that quotes a key cannot be offered.
        self._unknown_row = f"unstored-{secrets.token_hex(8)}-"
        self._events = 0

    def offers(self, prepared: PreparedBatch) -> tuple[FoldedThread, ...]:
        """The threads of the batch, each folded with all of its entries in there."""
        threads: dict[tuple[str, str], list[Entry]] = {}
        for entry in prepared.entries:
            threads.setdefault(entry.thread, []).append(entry)
        folded = (self._folded(thread, entries) for thread, entries in threads.items())
        return tuple(offer for offer in folded if self._unknown_row.encode() not in offer.after)

    def _folded(self, thread: tuple[str, str], entries: list[Entry]) -> FoldedThread:
        session, subagent_id = thread
        before = self._digests.get(thread, NO_DIGEST)
        after = self._reducer.reduce(before, [self._unstored(entry, session, subagent_id) for entry in entries])
        self._digests[thread] = after
        return FoldedThread(
            session=session,
            subagent_id=subagent_id,
            version=self._reducer.version,
            before=before,
            after=after,
        )

    def _unstored(self, entry: Entry, session: str, subagent_id: str) -> Event:
        """The event as the ledger gives it to its reducer, but for the key."""
        self._events += 1
        return Event(
            key=f"{self._unknown_row}{self._events}",
            session=session,
            at_ms=entry.event.at_ms,
            body=entry.event.body,
            subagent_id=subagent_id or None,
        )
