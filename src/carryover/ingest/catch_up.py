"""Finds the sources that changed since they were last read, and puts them in reading order.

The daemon does this when it starts, after anything that may have lost a hint, and every few minutes as a safety net;
commands do it if no daemon is running. Both read the same: the selected agents, where install found them, and nothing
while paused. If nothing changed, the cost is one stat per source.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.ingest.scan import MS_PER_DAY, FoundSource, SourceKey, TranscriptRoot, find_sources, key_of
from carryover.ledger.batch import LastRead

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger

RACY_MS: Final = 3_000
"""A file changed this recently may change again without a new size or time, since coarse clocks tick every 4 to 2000
ms.

Equal stamps do not prove that such a file is unchanged.
"""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The sources on disk, compared with the ledger."""

    seen: list[FoundSource]
    known: Mapping[SourceKey, LastRead]
    outdated: list[FoundSource]
    """The sources in `seen` that need to be read."""
    gone: list[Source]
    """Known sources that no longer exist and are now marked as gone in the ledger."""


async def compare_with_disk(
    ledger: Ledger,
    agents: Mapping[str, Agent],
    roots: Iterable[TranscriptRoot],
    *,
    now_ms: int,
    also_broken: bool = False,
) -> Comparison:
    """Stats every source below `roots`, and marks sources in the ledger that are gone.

    `also_broken`: retry broken sources even if it is too early. Raises LedgerUnavailable and LedgerDamaged.
    """
    import asyncio  # not at the top: a command compares without it

    seen = await asyncio.to_thread(find_sources, agents, roots)
    known = {key: last for key, last in (await ledger.last_reads()).items() if key[0] in agents}
    gone = await asyncio.to_thread(vanished, known, seen)
    for source in gone:
        await ledger.mark_gone(source)
    outdated = changed(seen, known, now_ms=now_ms, also_broken=also_broken)
    return Comparison(seen=seen, known=known, outdated=outdated, gone=gone)


def changed(
    seen: Iterable[FoundSource], states: Mapping[SourceKey, LastRead], *, now_ms: int, also_broken: bool = False
) -> list[FoundSource]:
    """Returns the sources in `seen` whose stat differs from the ledger's, or is too recent to prove anything.

    A broken source counts as changed when its next try is due, or with `also_broken`.
    """
    return [item for item in seen if _may_differ(item, states.get(key_of(item.source)), now_ms, also_broken)]


def reading_order(seen: Iterable[FoundSource], *, now_ms: int, active_days: int) -> list[Source]:
    """Orders sources so that those in use come first: the newest project with its newest file, and so on.

    Files untouched for `active_days` follow in the same order, so that no project's handoff waits for another's old
    history.
    """
    items = list(seen)
    newest_of_group: dict[tuple[str, str], int] = {}
    for item in items:
        group = (item.source.agent, item.source.group)
        newest_of_group[group] = max(newest_of_group.get(group, 0), item.mtime_ns)
    old_before_ns = (now_ms - active_days * MS_PER_DAY) * 1_000_000

    def place(item: FoundSource) -> tuple[bool, int, tuple[str, str], int, str]:
        group = (item.source.agent, item.source.group)
        return (item.mtime_ns < old_before_ns, -newest_of_group[group], group, -item.mtime_ns, item.source.path)

    return [item.source for item in sorted(items, key=place)]


def vanished(states: Mapping[SourceKey, LastRead], seen: Iterable[FoundSource]) -> list[Source]:
    """Returns the sources that the ledger knows and that no longer exist.

    Blocking. A source that was not found is looked up by its path, since its folder may just be unreadable.
    """
    there = {key_of(item.source) for item in seen}
    missing = [key for key, state in states.items() if state.state != "gone" and key not in there]
    return [Source(agent=agent, path=path) for agent, path in missing if not os.path.lexists(path)]


def _may_differ(item: FoundSource, state: LastRead | None, now_ms: int, also_broken: bool) -> bool:
    if state is None or state.state == "gone":
        return True
    if state.state == "broken":
        return also_broken or state.retry_ms <= now_ms
    as_known = (state.size, state.mtime_ns) == (item.size, item.mtime_ns)
    return not as_known or item.mtime_ns // 1_000_000 >= now_ms - RACY_MS
