"""What was done: one line per turn, with what was asked, what the answer reports, and what shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.digest import Digest, SeenRun, Turn
from carryover.distill.language.prose import flat, one_line, word_count
from carryover.distill.language.report import read_report
from carryover.distill.language.templates import is_bare
from carryover.distill.relative_time import before
from carryover.distill.sections.entry import Entry
from carryover.distill.sections.files import file_name
from carryover.distill.view import SessionView
from carryover.distill.work.relation import is_heavy

_MOST: Final = 8
_SUBSTANTIAL_ANSWER_WORDS: Final = 12
_ANSWER_WORDS_AFTER_WORK: Final = 4
_ASKED_TOKENS: Final = 36
_OUTCOME_TOKENS: Final = 35
"""As many as the characters allowed cost in Latin script: in others the end of a line would not be shown."""


def _step_of(digest: Digest) -> str | None:
    """What became of the digest's turn, once that turn is over; None where nothing came of it.

    An answer's own claim is quoted as such; files, commits and tests come from what the tools reported.
    """
    turn = digest.turn
    if turn is None:
        return None
    shown = _shown_by(turn)
    done = turn.end == "answered"
    report = turn.report or (read_report(turn.text) if turn.text and done else None)
    outcome = report.outcome if report is not None else ""
    least = _ANSWER_WORDS_AFTER_WORK if turn.changed else _SUBSTANTIAL_ANSWER_WORDS
    if not shown and not is_heavy(turn) and not (done and word_count(outcome) >= least):
        return None
    prompt = "(a command's template)" if is_bare(turn.prompt.text) else flat(turn.prompt.text or turn.prompt.pasted)
    asked = clip(prompt, chars=110, tokens=_ASKED_TOKENS)
    outcome = one_line(outcome) if done else "not finished"
    text = f"{asked} → {clip(outcome, chars=140, tokens=_OUTCOME_TOKENS)}" if outcome else asked
    return f"{text}{shown}"


def _shown_by(turn: Turn) -> str:
    parts: list[str] = []
    if turn.commits:
        parts.append("committed: " + "; ".join(clip(subject, chars=80) for subject in turn.commits[-2:]))
    elif turn.edited:
        names = [file_name(path) for path in turn.edited[-3:]]
        more = len(turn.edited) - len(names)
        parts.append("edited " + ", ".join(names) + (f" and {more} more" if more else ""))
    if turn.tests is not None:
        parts.append(f"tests {turn.tests}")
    return f" [{'; '.join(parts)}]" if parts else ""


def passing_run(runs: Iterable[SeenRun], at_ms: int) -> list[Entry]:
    """How the tests are run, where the newest run passed."""
    newest = max(runs, key=lambda seen: seen.at_ms, default=None)
    if newest is None or newest.run.status != "pass":
        return []
    count = f" ({newest.run.passed} passed)" if newest.run.passed else ""
    text = f"{before(newest.at_ms, at_ms)}: tests pass with `{newest.command.replace('`', '')}`{count}"
    return [Entry(text=text, rule="newest test run", session=newest.session, turn=newest.turn, at_ms=newest.at_ms)]


def progress_entries(sessions: Iterable[SessionView], names: Mapping[str, str], at_ms: int) -> list[Entry]:
    """The last turn of each session, newest first."""
    entries = []
    for session in sorted(sessions, key=lambda session: -(session.digest.turn.last_ms if session.digest.turn else 0)):
        step, turn = _step_of(session.digest), session.digest.turn
        if step is None or turn is None:
            continue
        name = names.get(session.agent, session.agent)
        text = f"{before(turn.last_ms, at_ms)}{', ' + name if name else ''}: {step}"
        entries.append(
            Entry(
                text=text,
                rule="turn that came to something",
                session=turn.session,
                turn=turn.number,
                at_ms=turn.last_ms,
            )
        )
    return entries[:_MOST]
