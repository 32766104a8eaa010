"""A handoff for a person at a terminal: local times, ages as of now, and no request to an agent. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from carryover.actions.project_handoff import MadeHandoff
from carryover.distill.entry import Entry
from carryover.distill.render import lay_out
from carryover.paths import short_path
from carryover.terminal.output import BOLD, CYAN, DIM, HOUR_S, MINUTE_S, ago, harmless, paint, wrapped

_EARLIER: Final = re.compile(r"\b(\d{1,5}) (min|h|days) earlier\b")
_UNIT_MS: Final = {"min": MINUTE_S * 1000, "h": HOUR_S * 1000, "days": 24 * HOUR_S * 1000}
_OUR_TEXT: Final = ("edit", "test run", "ending", "worktree")
"""Kinds of lines that Carryover words itself; of other lines it words only the label."""
_TO_AGENTS: Final = "for the user: "
"""Marks, in a line about a usage limit, the part that is not for the agent."""


def lines_for_person(made: MadeHandoff, *, now: datetime, home: Path, width: int) -> Iterator[str]:
    """The lines, none wider than `width` if its words allow that. `now` is aware of its time zone."""
    handoff, now_ms = made.handoff, int(now.timestamp() * 1000)
    when = f"{local_time(handoff.updated_ms, now)} ({ago(handoff.updated_ms, now_ms)})"
    yield paint(harmless(short_path(made.root, home)), BOLD)
    yield wrapped(paint(f"last work {when}, {handoff.agent}", DIM), width)
    for title, lines in lay_out(handoff):
        yield f"\n{paint(title, f'{BOLD};{CYAN}')}"
        for text, entry in lines:
            shown = _text(text, entry, handoff.updated_ms, now_ms)
            yield wrapped(f"  · {harmless(shown)}", width)
    yield ""
    yield wrapped(paint(f"carryover show {harmless(handoff.session)}  the whole session", DIM), width)
    yield wrapped(paint("carryover handoff --raw  the text that agents get", DIM), width)


def local_time(at_ms: int, now: datetime) -> str:
    """`today 14:05`, `yesterday 14:05`, `17 Nov 14:05`, with the year if that is another; in the zone of `now`."""
    at = datetime.fromtimestamp(at_ms / 1000, tz=now.tzinfo)
    days = (now.date() - at.date()).days
    if days in (0, 1):
        return f"{'yesterday' if days else 'today'} {at:%H:%M}"
    return f"{at.day} {at:%b %H:%M}" if at.year == now.year else f"{at.day} {at:%b %Y %H:%M}"


def _text(text: str, entry: Entry, updated_ms: int, now_ms: int) -> str:
    """A line without its list marker, its times as of now: those of the file are relative to its first line."""
    shown = text.removeprefix("- ").removeprefix("> ")
    if entry.kind == "limit":
        return shown.replace(_TO_AGENTS, "")
    ours = len(shown) if entry.kind in _OUR_TEXT else len(entry.label) if shown.startswith(entry.label) else 0
    return _EARLIER.sub(lambda found: _as_of_now(found, updated_ms, now_ms), shown[:ours]) + shown[ours:]


def _as_of_now(found: re.Match[str], updated_ms: int, now_ms: int) -> str:
    return ago(updated_ms - int(found[1]) * _UNIT_MS[found[2]], now_ms)
