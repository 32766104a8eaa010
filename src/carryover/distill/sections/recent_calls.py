"""What agents ran, read and were told by sub-agents, with what it printed: part of Recent files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from carryover.distill.digest import Call
from carryover.distill.entry import Entry
from carryover.distill.quotes import excerpt
from carryover.distill.sections.quoting import from_turn, packed, parted
from carryover.distill.sections.recent_files import relative
from carryover.distill.trail import Past, Step
from carryover.distill.view import ProjectView, SessionView
from carryover.model import ToolResult
from carryover.text.looking import is_looking
from carryover.text.pattern import later

_MOST_CALLS: Final = 24
_CALL_CHARS: Final = 160
_MOST_OUTPUT: Final = 12
_MOST_READ: Final = 5
_SEVERAL_GAPS: Final = later(r"(?m)^…(?:\n…)+$")
_NUMBERED: Final = later(r"(?m)^ *\d+(?:→|\t|: )")


def call_entries(past: Past) -> list[Entry]:
    """Returns the newest calls with their output."""
    newest = _shown_calls(past.view)[-_MOST_CALLS:]
    entries: list[Entry] = []
    for made in _without_repeated_lines(newest):
        entries += _call(past, made.call, made.session)
    return packed(sorted(entries, key=lambda entry: entry.at_ms))


class _Made(NamedTuple):
    call: Call
    session: SessionView


def _shown_calls(view: ProjectView) -> list[_Made]:
    """Returns the calls to show, oldest first; of equal ones, the newest."""
    # Without a turn, a session has at most the report of a job that another one started.
    sessions = [session for session in view.sessions if session.digest.turns]
    calls = [_Made(call, session) for session in sessions for call in session.digest.calls]
    calls.sort(key=lambda made: made.call.at_ms)
    different = {(made.call.subject, made.call.output): made for made in calls}
    return [made for made in different.values() if _is_shown(made.call) and not is_on_disk(made.call, view.root)]


def is_on_disk(call: Call | ToolResult, root: str) -> bool:
    """Whether a call read a file of the project: the next agent can read it too, as it is by then."""
    return call.op == "read" and call.status in ("ok", "unknown") and relative(call.subject, root) is not None


def _is_shown(call: Call) -> bool:
    if call.status == "denied" or not (call.subject or call.output):  # what was refused is with the user's words
        return False
    # Todo lists and questions are shown under their headings, edits on their own lines.
    return call.op not in ("plan", "ask") and not (call.op in ("edit", "write") and call.status == "ok")


def _without_repeated_lines(calls: Sequence[_Made]) -> Iterator[_Made]:
    """Yields the calls, newest first. Lines that several printed (a banner, a warning) stay only in the newest."""
    printed = Counter(line for made in calls for line in {*made.call.output.splitlines()} if len(line) > 20)
    known: set[str] = set()
    for call, session in reversed(calls):
        lines = call.output.splitlines()
        output = "\n".join("…" if line in known else line for line in lines)
        known |= {line for line in lines if printed[line] > 2}
        yield _Made(msgspec.structs.replace(call, output=_SEVERAL_GAPS.sub("…", output)), session)


def _call(past: Past, call: Call, session: SessionView) -> list[Entry]:
    turns = session.digest.turns
    step = Step(next((turn for turn in turns if turn.number == call.turn), turns[-1]), session)
    is_path = call.op in ("read", "edit", "write")
    path = relative(call.subject, past.view.root) if is_path else None
    what = (path or call.subject).replace("`", "")
    status = "" if call.status in ("ok", "unknown") else f" → {call.status}"
    output = call.output
    subject = "" if what in ("", call.name) else f"`{excerpt(what, _CALL_CHARS)}`"
    name = "" if call.op == "shell" and subject else call.name
    label = f"{name} {subject}".strip() + status
    looks = call.op in ("read", "search") or (call.op == "shell" and is_looking(call.subject))
    if call.op == "read":
        output = _NUMBERED.sub("", output)
    most = _MOST_READ if looks else _MOST_OUTPUT  # what was looked at is still there
    said = parted(step, output, "call", label=label, most=most, at_ms=call.at_ms)
    shown = "".join(entry.text for entry in said)
    if len(said) > 1 or "…" in f"{label}{output}{shown}":
        label = f"{label} ({past.turn(call.turn, session)})"
        said = parted(step, output, "call", label=label, most=most, at_ms=call.at_ms)
    if not said:
        return [from_turn(step, label, "call", at_ms=call.at_ms)]
    return said
