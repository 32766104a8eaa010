"""Catching up with what agents left on disk: which sources are to be read, and which of them changed since they were.

The daemon does it at its start, after anything that may have cost a hint, and now and then as a safety net; commands do
it where no daemon runs. Both read the same: the selected agents, where install found them, and nothing while paused.
Where nothing changed it costs one glance a source, which for a file is one `stat`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.ingest.scan import MS_PER_DAY, Key, Root, Seen, key_of, look
from carryover.ledger.prepared import LastRead
from carryover.ledger.store import Ledger

RACY_MS: Final = 3_000
"""A file changed this recently may change again without another size or time (coarse clocks tick in 4 to 2000 ms), so
a look at both cannot tell that it is as it was."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What is on disk, beside what the ledger knows of it."""

    seen: list[Seen]
    known: dict[Key, LastRead]
    outdated: list[Seen]
    """Those of `seen` that are to be read."""
    gone: list[Source]
    """Known ones that are no longer there; the ledger has taken note of it."""


async def compare(
    ledger: Ledger, agents: Mapping[str, Agent], roots: Iterable[Root], *, now_ms: int, also_broken: bool = False
) -> Compared:
    """Look at every source below `roots` once, and note in the ledger which are gone.

    `also_broken`: those that could not be read are to be tried again, whether it is time for that or not. Raises
    LedgerUnavailable and LedgerDamaged.
    """
    seen = await asyncio.to_thread(look, agents, roots)
    known = {(agent, path): last for agent in agents for path, last in (await ledger.last_reads(agent)).items()}
    gone = await asyncio.to_thread(vanished, known, seen)
    for source in gone:
        await ledger.mark_gone(source)
    outdated = changed(seen, known, now_ms=now_ms, also_broken=also_broken)
    return Compared(seen=seen, known=known, outdated=outdated, gone=gone)


def changed(
    seen: Iterable[Seen], states: Mapping[Key, LastRead], *, now_ms: int, also_broken: bool = False
) -> list[Seen]:
    """Those of `seen` that are not as the ledger knows them, or too recent to tell.

    A broken one counts as changed when it is time for another try, or with `also_broken`.
    """
    return [item for item in seen if _may_differ(item, states.get(key_of(item.source)), now_ms, also_broken)]


def reading_order(seen: Iterable[Seen], *, now_ms: int, active_days: int) -> list[Source]:
    """What is in use first, project by project: the newest project first, and in it the newest file first.

    Files not touched for `active_days` come after all others, in the same order: a project's handoff must not wait for
    another's old history.
    """
    items = list(seen)
    newest_of_group: dict[tuple[str, str], int] = {}
    for item in items:
        group = (item.source.agent, item.source.group)
        newest_of_group[group] = max(newest_of_group.get(group, 0), item.mtime_ns)
    old_before_ns = (now_ms - active_days * MS_PER_DAY) * 1_000_000

    def place(item: Seen) -> tuple[bool, int, tuple[str, str], int, str]:
        group = (item.source.agent, item.source.group)
        return (item.mtime_ns < old_before_ns, -newest_of_group[group], group, -item.mtime_ns, item.source.path)

    return [item.source for item in sorted(items, key=place)]


def vanished(states: Mapping[Key, LastRead], seen: Iterable[Seen]) -> list[Source]:
    """The sources that the ledger knows and that are no longer there.

    Blocking: one that was not seen is looked for, for it may just be that its folder cannot be read now.
    """
    there = {key_of(item.source) for item in seen}
    missing = [key for key, state in states.items() if state.state != "gone" and key not in there]
    return [Source(agent=agent, path=path) for agent, path in missing if not os.path.lexists(path)]


def _may_differ(item: Seen, state: LastRead | None, now_ms: int, also_broken: bool) -> bool:
    if state is None or state.state == "gone":
        return True
    if state.state == "broken":
        return also_broken or state.retry_ms <= now_ms
    as_known = (state.size, state.mtime_ns) == (item.size, item.mtime_ns)
    return not as_known or item.mtime_ns // 1_000_000 >= now_ms - RACY_MS
