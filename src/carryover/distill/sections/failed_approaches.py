"""Failed calls with their reasons, and whether they succeeded later."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from carryover.distill.commands import command_tried, may_solve
from carryover.distill.digest import Call, Failure
from carryover.distill.entry import Entry, EntryKind, fixed_rank
from carryover.distill.quotes import LINE_BREAK, PIECE_CHARS, cut_middle, earlier, in_quotes, lines_of, quoted
from carryover.distill.sections.quoting import from_session
from carryover.distill.sections.recent_files import edited_since
from carryover.distill.trail import Past
from carryover.distill.view import ProjectView, SessionView
from carryover.records.shell_jobs import never_began
from carryover.text.looking import without_prefix
from carryover.text.pattern import later

_JOB: Final = "job:"
"""Prefix of the signatures of background jobs."""
_MOST_FAILED: Final = 6
_MOST_SOLVED: Final = 3
_TURNS_BEFORE: Final = 11
"""How many turns back the newest failure may be that is sure of a line."""
_OPEN: Final = 0.2
"""What one that did not succeed later is worth beside its names: few readers try what they know has failed."""
_WHY_CHARS: Final = 110
_WORDS_CHARS: Final = 180
"""How much of these words is shown, and of the reason (above) beside them."""
_THEN: Final = later(r"\bthen\s?:", re.I)
"""What stands between an agent's name and its words. A reason that contains it is put in quotation marks, or it could
pass for such words."""


def failed_entries(past: Past) -> list[Entry]:
    """Returns the failures, newest first: those that did not succeed later, then those that did."""
    opened = open_failures(past.view)
    rows = [_row(past, *one) for one in opened]
    newest = next((at for at, row in enumerate(rows) if row is not None), None)
    solved = _failures(past.view, lambda failure, _: failure.solved)[:_MOST_SOLVED]
    listed = [
        _failure(past, *one, row if at == newest else None)
        for at, (one, row) in enumerate(zip(opened, rows, strict=True))
    ]
    return [*listed, *(_failure(past, *one) for one in solved)]


def open_failures(view: ProjectView) -> list[tuple[Failure, SessionView]]:
    """Returns the failures that did not succeed later, newest first."""
    ran = defaultdict[str, list[tuple[SessionView, Call]]](list)
    for session in view.sessions if len(view.sessions) > 1 else ():
        for call in session.digest.calls:
            if call.op == "shell" and call.status == "ok":
                ran[_without_launcher(command_tried(call.subject))].append((session, call))

    def is_open(failure: Failure, session: SessionView) -> bool:
        tried = _without_launcher(failure.tried)
        same = ran.get(tried, ()) if "…" not in tried else ()  # what is cut out may differ
        since = (call for of, call in same if of is not session and call.at_ms > failure.at_ms)
        return not failure.solved and not any(map(may_solve, since))

    return _failures(view, is_open)[:_MOST_FAILED]


def _without_launcher(tried: str) -> str:
    """Returns what was tried without `sudo`, `timeout` and the like, which make no other attempt of a command, as in
    its signature."""
    return f"`{without_prefix(tried[1:])}" if tried.startswith("`") else tried


def _failures(view: ProjectView, is_meant: Callable[[Failure, SessionView], bool]) -> list[tuple[Failure, SessionView]]:
    """Returns the newest of the failures with the same reason, newest first."""
    found = [
        (failure, session)
        for session in view.sessions
        for digest in session.digests
        for failure in digest.failures
        if is_meant(failure, session)
    ]
    found.sort(key=lambda one: (one[0].at_ms, one[0].turn, one[0].signature), reverse=True)
    unique: dict[str, tuple[Failure, SessionView]] = {}
    for one in found:
        unique.setdefault(one[0].why or one[0].tried, one)
    return [*unique.values()]


def _words(past: Past, failure: Failure, session: SessionView) -> str:
    """Returns what the agent said right after, unless it succeeded later, or that ended its turn: an answer is quoted
    elsewhere."""
    turns = session.digest.turns if failure in session.digest.failures else ()
    answer = next((turn.answer for turn in turns if turn.number == failure.turn), "")
    if failure.solved or not failure.words or "".join(lines_of(answer)[:1]).startswith(failure.words.removesuffix("…")):
        return ""
    agent = past.names.get(session.agent, session.agent)
    return f"{agent} then: {in_quotes(failure.words, _WORDS_CHARS, tail=0.0)}"


def _row(past: Past, failure: Failure, session: SessionView) -> str | None:
    """Returns the row of the order for a failure of the turn that tells where it stands, or where the work does, since
    the next agent meets that first, or of one of the few turns before it."""
    if failure not in session.digest.failures:
        return None
    steps = [step for step in (past.main, past.work) if step is not None and step.view is session]
    back = min((back for step in steps if (back := step.turn.number - failure.turn) >= 0), default=None)
    if back is None or back > _TURNS_BEFORE:
        return None
    return "failure before" if back else "open failure"


def _tried(failure: Failure) -> str:
    """Returns what was tried: of a command whose program is not there, the program alone."""
    program = failure.tried.strip("`").partition(" ")[0]
    is_missing = "not found" in failure.why and never_began(failure.why.replace(LINE_BREAK, "\n"), program)
    return f"`{program}`" if is_missing and failure.tried.startswith("`") else failure.tried


def _failure(past: Past, failure: Failure, session: SessionView, row: str | None = None) -> Entry:
    tried = _tried(failure)
    ago = earlier(failure.at_ms, past.at_ms)
    times = f"{failure.times} times" if failure.times > 1 else ""
    # The turn leads to the whole text, unless that is a sub-agent's, whose turns have numbers of their own.
    is_cut = "…" in tried or "…" in failure.why
    turn = past.turn(failure.turn, session) if is_cut and failure in session.digest.failures else ""
    since = "solved since" if failure.solved else edited_since(tried, failure.at_ms, past.view)
    notes = ", ".join(filter(None, (turn, times, ago, since)))
    where = f" ({notes})" if notes else ""
    words = _words(past, failure, session)
    reason = cut_middle(failure.why, _WHY_CHARS, tail=0.6) if words else failure.why
    reason = quoted(reason) if _THEN.search(reason) else reason
    kind: EntryKind = "job" if failure.signature.startswith(_JOB) else "call"
    # What a job printed is in a file: nothing is known of it unless it was read.
    unknown = "" if kind == "job" else "failed without a word"
    because = "; ".join(filter(None, (reason, words))) or unknown
    why = f"{where} → {because}" if because else where
    room = max(60, PIECE_CHARS + 10 - len(why))  # the reason says more than the attempt
    tried = cut_middle(tried, room)
    text = f"{quoted(tried) if kind == 'job' else tried}{why}"  # a job's name may be any words
    entry = from_session(session, failure.turn, text, kind, fixed_rank(row), at_ms=failure.at_ms)
    return entry if failure.solved else replace(entry, alone=_OPEN)
