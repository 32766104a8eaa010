"""What was tried and did not work, with its cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.digest import Failure
from carryover.distill.language import outcomes
from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.view import SessionView
from carryover.distill.work.state import Line

_MOST: Final = 7
_RECENT_MS: Final = 3 * 86_400_000


def failed_entries(line: Line, sessions: Iterable[SessionView], on_line: Collection[str], at_ms: int) -> list[Entry]:
    """What failed in the sessions on the line or in the last three days, and what the assistant said did not work,
    newest first; what soon worked is left out, and so is what has no cause."""
    found = [
        (failure.at_ms, entry)
        for session in sessions
        for digest in session.digests
        for failure in digest.failures
        if session.session in on_line or failure.at_ms > at_ms - _RECENT_MS
        if not failure.mended or failure.times + failure.detours > 2
        if (entry := _entry(failure, session.session)) is not None
    ]
    found += [(item.at_ms, entry_of(item)) for item in line.dead_ends]
    found.sort(key=lambda pair: (-pair[0], pair[1].text))
    return [
        entry
        for place, (_, entry) in enumerate(found[:_MOST])
        if not any(
            entry.text in other.text for _, other in (*found[:place], *found[place + 1 : _MOST]) if entry is not other
        )
    ]


def _entry(failure: Failure, session: str) -> Entry | None:
    """None without a cause. What the assistant said right after is added, where that explains more."""
    explained = failure.remark and (outcomes.CAUSE.search(failure.remark) or outcomes.FAILURE.search(failure.remark))
    cause = "; ".join(
        part for part in (clip(failure.why, chars=150), clip(failure.remark, chars=130) if explained else "") if part
    )
    if not cause:
        return None
    more = [f"{failure.times} times"] * (failure.times > 1) + ["worked in the end"] * failure.mended
    remark = f" ({', '.join(more)})" if more else ""
    rule = "taken back by the user" if failure.undone else "call that failed"
    return Entry(
        text=f"{failure.tried} → {cause}{remark}", rule=rule, session=session, turn=failure.turn, at_ms=failure.at_ms
    )
