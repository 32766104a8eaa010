"""Whatever is still open: questions that the user has not replied to, plans that wait, and tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from carryover.distill.entry import WEIGHTS, Entry
from carryover.distill.quotes import cut_middle, earlier, excerpt, later
from carryover.distill.sections.quoting import from_session, from_the_top, from_turn, last_words, parted
from carryover.distill.sections.recent_files import RecentFile, relative
from carryover.distill.sections.where_it_stands import newest_run
from carryover.distill.trail import Past, Step, is_talk
from carryover.distill.view import ProjectView
from carryover.model import id_in_command

_OPINION_MS: Final = 7 * 86_400_000
_AT_ONCE_MS: Final = 60_000
_MOST_SESSIONS: Final = 4
"""Most sessions besides the leading one whose open question is quoted."""


def open_entries(past: Past, recent: Sequence[RecentFile]) -> list[Entry]:
    """Returns questions, the leading session's first, then plans, then tests and edits without a result."""
    entries: list[Entry] = []
    for back, step in enumerate(_asking_steps(past)):
        entries += _asked(past, step, back)
    return [*entries, *_newest_tests(past, recent), *_uncertain_edits(past), *opinion_entries(past.view, past.at_ms)]


def asks(past: Past, step: Step) -> bool:
    """Whether the question at the end of this turn's answer is shown under this heading."""
    if not step.is_newest or step.turn.end != "answered" or _may_be_the_protocols(past, step):
        return False
    return any(one.turn is step.turn for one in _asking_steps(past))


def _asking_steps(past: Past) -> list[Step]:
    """Returns the newest turn of each session, if no later prompt of that session has replied to it."""
    newest: dict[str, Step] = {}
    for step in reversed(past.steps):
        newest.setdefault(step.view.session, step)
    lead = newest.pop(past.lead.session)
    return [lead, *[step for step in newest.values() if not _superseded(past, step)][:_MOST_SESSIONS]]


def _superseded(past: Past, step: Step) -> bool:
    """Whether a session that began after this one, or continues it, has since done and reported work."""
    if step.view.session == past.lead.parent:
        return True
    ended_ms = step.turn.last_ms + _AT_ONCE_MS
    later = (one for one in past.steps if one.view is not step.view and one.view.started_ms > ended_ms)
    return any(one.turn.end == "answered" and not is_talk(one.turn) for one in later)


def _may_be_the_protocols(past: Past, step: Step) -> bool:
    """Whether the question was asked before anything was done in a session that took over from another."""
    turn = step.turn
    takes_over = past.steps[0].view is not step.view
    return turn.resumes or (takes_over and turn.number <= 1 and is_talk(turn))


def _asked(past: Past, step: Step, back: int) -> list[Entry]:
    """Returns the question that the agent ended with, those of tools, and a written plan until the user decides."""
    who, weight, at_ms = past.agent(step), WEIGHTS["question"].at(back), step.turn.last_ms
    entries: list[Entry] = []
    if not _may_be_the_protocols(past, step):
        label = f"{who} asked ({past.place(step, at_ms)})"
        entries += parted(step, last_words(step.turn).question, "message", weight, label=label, most=5, at_ms=at_ms)
    for asked in step.digest.questions[-weight.most :]:
        text = f"{asked.text} Options: {'; '.join(asked.options)}" if asked.options else asked.text
        label, at_ms = f"{who} asked ({past.place(step, asked.at_ms)}), not answered", asked.at_ms
        entries += from_the_top(parted(step, text, "question", weight, label=label, at_ms=at_ms))
    plan = step.digest.proposal
    if plan is not None and plan.accepted is None and plan.turn == step.digest.prompts:
        label = f"{who}'s plan waits for the user's word ({past.place(step, plan.at_ms)})"
        entries += parted(step, plan.text, "plan", WEIGHTS["proposal"], label=label, most=8, at_ms=plan.at_ms)
    return entries


def _newest_tests(past: Past, recent: Iterable[RecentFile]) -> list[Entry]:
    seen = newest_run(past)
    if seen is None:
        return []
    edited = [file for file in recent if file.status is not None and file.touched.at_ms > seen.at_ms]
    since = f"not run again since {', '.join(f'`{file.path}`' for file in edited[:3])} changed" if edited else ""
    if seen.run.status == "fail":
        names = f" in {', '.join(seen.run.failed_names[:4])}" if seen.run.failed_names else ""
        reason = f": {seen.run.reason}" if seen.run.reason else ""
        text = f"Tests fail{names}{reason}{f'; {since}' if since else ''}"
    elif since:
        text = f"Tests {since}"
    else:
        return []
    session = next(one for one in past.view.sessions if any(seen in digest.runs for digest in one.digests))
    return [from_session(session, seen.turn, text, "test run", WEIGHTS["open tests"].first, at_ms=seen.at_ms)]


def _uncertain_edits(past: Past) -> list[Entry]:
    step = past.main
    if step.turn.end == "answered" or not step.is_newest:
        return []
    calls = [call for call in step.digest.open_calls if call.op in ("edit", "write")]
    names = dict.fromkeys(relative(call.text, past.view.root) or call.text for call in calls)
    if not names:
        return []
    shown = ", ".join(f"`{cut_middle(name, 120)}`" for name in list(names)[-3:])
    text = f"Not known whether this edit was made: {shown}"
    return [from_turn(step, text, "call", WEIGHTS["uncertain"].first, at_ms=calls[-1].at_ms)]


def opinion_entries(view: ProjectView, at_ms: int) -> list[Entry]:
    """Returns texts from outside that the user brought in, by name, for a week: nobody has checked their claims."""
    entries = []
    for back, opinion in enumerate(one for one in view.opinions if one.at_ms > at_ms - _OPINION_MS):
        when = earlier(opinion.at_ms, at_ms) or later(opinion.at_ms, at_ms)
        said = f"{when}; not checked" if when else "not checked"
        show = f"carryover show {id_in_command(opinion.session)}"
        text = f"{excerpt(opinion.title, 120)} ({said}, not the user's word: `{show}`)"
        weight, session = WEIGHTS["opinion"].at(back).first, opinion.session
        entries.append(Entry(text=text, kind="text from outside", weight=weight, session=session, at_ms=opinion.at_ms))
    return entries
