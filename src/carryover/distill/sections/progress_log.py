"""What agents said earlier or in parallel: earlier answers and commits, parallel sessions, their own summaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Digest, Proposal, Summary
from carryover.distill.entry import Entry, EntryKind, Rank, fixed_rank
from carryover.distill.goals import says_something
from carryover.distill.own_text import PROTOCOL_QUESTION
from carryover.distill.pastes import quoted_prompt
from carryover.distill.quotes import (
    before_call,
    branch_name,
    clip,
    earlier,
    estimated_tokens,
    excerpt,
    in_code,
    in_quotes,
    lines_of,
    of_one_place,
    quoted,
)
from carryover.distill.sections.open_questions import asking_sessions
from carryover.distill.sections.quoting import from_turn, joined_short, last_words, not_alike, parted
from carryover.distill.sections.task import orders
from carryover.distill.trail import Past, Step, idle_since, only_committed, waiting_prompts
from carryover.distill.view import SessionView, Worktree

_PROMPT_CHARS = 160
_LINE_CHARS = 110
_WANTED: Final = ("errors", "pending", "current", "next", "request", "other")
_TO_DO: Final = ("pending", "current", "next")
_MOST_BESIDE: Final = 4
_MOST_WORKTREES: Final = 3
_MOST_DISCUSSED: Final = 3
_MOST_LINES: Final = {"summary": 10, "plan": 12}
_MOST_SINCE: Final = 2
"""Prompts since a recap up to which it tells how things stand; Claude Code 2.1 makes one for a user who was away."""
_MOST_COMMITS: Final = 4
_OPENING_CHARS: Final = 90
_OPENING_TOKENS: Final = 30
"""How much of the beginning of an answer is quoted with each of its lines."""
_MOST_ALIKE: Final = 3
_MOST_HEARD: Final = 6
_MOST_ON_THE_WAY: Final = 4
_OVERTAKEN: Final = 3
"""Number of answered turns after which the next steps of an earlier summary are left out."""
_LEAST_TOKENS: Final = 8
"""What is shorter tells that a step went well ("The commit succeeded.")."""
_SHORT_TOKENS: Final = 24
"""A shorter answer says little of the work: "It is pushed"."""
_MOST_BEFORE: Final = 3
_SAID: Final = {"answered": "answered", "": "said"}
"""How an agent's words are introduced; of any other end of their turn they were cut off."""


def parallel_entries(past: Past) -> list[Entry]:
    """Returns each parallel session with its newest prompt and last line, then the worktrees."""
    sessions = [session for session in past.view.sessions if session.session in past.beside][:_MOST_BESIDE]
    beside = [_session(past, one, fixed_rank("parallel", back=back)) for back, one in enumerate(sessions)]
    trees = [
        Entry(
            text=quoted_prompt(tree.task, _PROMPT_CHARS),
            label=f"{_checkout(past, tree)}, with its own handoff ({earlier(tree.last_event_ms, past.at_ms) or 'now'})",
            kind="worktree",
            rank=fixed_rank("worktree", back=back),
            at_ms=tree.last_event_ms,
        )
        for back, tree in enumerate(past.view.worktrees[:_MOST_WORKTREES])
    ]
    return [*beside, *trees]


def _checkout(past: Past, tree: Worktree) -> str:
    is_main = tree.root == past.view.main_root
    return f"{'Unfinished in the main checkout' if is_main else 'Worktree'} {in_code(tree.root)}"


def _session(past: Past, session: SessionView, rank: Rank | None) -> Entry:
    turns = session.digest.turns
    turn = next((turn for turn in reversed(turns) if turn.prompt), turns[-1])
    step = Step(turn, session)
    newest = Step(turns[-1], session)
    asks = session.session in asking_sessions(past)
    said = lines_of(last_words(newest.turn).said if asks else newest.turn.answer)
    last = f" → {excerpt(said[-1], _LINE_CHARS)}" if said else ""
    on = f", on branch {branch_name(turn.branch)}" if turn.branch not in ("", past.main.turn.branch) else ""
    label = f"{past.agent(step)} ({past.place(step, session.newest_ms)}{on})"
    text = f"{quoted_prompt(turn.prompt, _PROMPT_CHARS, chars=turn.chars, mark=turn.pasted)}{last}"
    return from_turn(step, text, "prompt", rank, label=label, at_ms=session.newest_ms)


def summary_entries(past: Past) -> list[Entry]:
    """Returns the newest compaction summary and recap of each session, the leading session's first."""
    sessions = sorted(past.view.sessions, key=lambda one: (one is not past.lead, -one.newest_ms, one.session))
    entries: list[Entry] = []
    for session in sessions[:3]:
        for summary, what in ((session.digest.recap, "recap"), (session.digest.summary, "compaction summary")):
            if summary is None or (session is not past.lead and _is_past(summary, session.digest)):
                continue
            if what == "recap" and _is_done_since(summary, session.digest):
                continue
            waits = session is past.lead and not _is_answered_since(summary, session.digest)
            is_done = _is_done_since(summary, session.digest) or _is_replanned(summary, session.digest)
            for heading, text, is_next in _parts_of(summary, is_done=is_done):
                row = "announced" if is_next and waits else None
                entries += _quoted(past, session, summary, f"{what}{heading}", text, row)
        plan = session.digest.proposal
        if plan is not None and plan.accepted and plan.text:
            what = "plan, accepted by the user"  # the work follows it from then on
            turn = session.digest.turn
            is_begun = session is past.lead and turn is not None and plan.turn == turn.number and turn.end != "answered"
            row = "accepted" if is_begun else None
            entries += _quoted(past, session, plan, what, plan.text, row)
    return entries


def _is_done_since(summary: Summary, digest: Digest) -> bool:
    """Whether the turn of the summary has had an answer since, even if the end of a job then made the turn go on, or
    several later turns have: what the summary had still to do is most likely done or dropped."""
    if sum(turn.number > summary.turn and turn.end == "answered" for turn in digest.turns) >= _OVERTAKEN:
        return True
    made_in = [turn for turn in digest.turns if turn.number == summary.turn]
    answers = ((one, turn.said[-1]) for turn in made_in for one in turn.said if one.final or turn.end == "answered")
    # The answer is the last message of the turn. A later one only acknowledges the end of a job (see `turns.py`).
    return any(summary.at_ms < one.at_ms <= answer.at_ms for one, answer in answers)


def _is_past(summary: Summary, digest: Digest) -> bool:
    """Whether an answer came since a summary without parts. Its next steps, which can't be told from the rest, are then
    most likely done."""
    return not summary.parts and _is_answered_since(summary, digest)


def _is_answered_since(summary: Summary, digest: Digest) -> bool:
    """Whether any turn has ended with an answer since."""
    return any(turn.end == "answered" and turn.said[-1].at_ms > summary.at_ms for turn in digest.turns)


def _is_replanned(summary: Summary, digest: Digest) -> bool:
    """Whether the todo list, of which something is done, was kept since: it says what is next by now."""
    return digest.plan_ms > summary.at_ms and any(item.state == "done" for item in digest.plan)


def _parts_of(summary: Summary, *, is_done: bool) -> list[tuple[str, str, bool]]:
    """Returns the parts by what they begin with, and whether they say what comes next; without what was still to do if
    it `is_done`. A text in one piece mostly ends with that (Codex 0.47)."""
    with_text = [part for part in summary.parts if part.text.strip() and not (is_done and part.kind in _TO_DO)]
    parts = sorted(with_text, key=lambda part: _WANTED.index(part.kind))
    named = [(f", {quoted(part.heading)}", part.text, part.kind == "next") for part in parts]
    return named or [("", summary.text, True)]


def _quoted(
    past: Past, session: SessionView, given: Summary | Proposal, what: str, text: str, row: str | None
) -> list[Entry]:
    step = Step(past.main.turn, session)  # which turn it is makes no difference: the one of the text may be forgotten
    since = max(0, session.digest.prompts - given.turn)
    typed = (one for turn in session.digest.turns for one in turn.replies if one.is_added and one.at_ms > given.at_ms)
    elsewhere = (step for step in past.steps if step.view is not session and step.turn.at_ms > given.at_ms)
    asked = sum(step.turn.prompt != "" for step in elsewhere)
    unknown = since + asked + sum(1 for _ in typed) + len(waiting_prompts(session.digest))
    # Prompts of its session say how old it is. Of a long turn, it may be out of date though none came since.
    is_dated = unknown and session is past.lead
    ago = "" if is_dated or isinstance(given, Proposal) else earlier(given.at_ms, past.at_ms)
    notes = ", ".join(filter(None, (past.turn(given.turn, session), ago, _prompts_since(unknown))))
    label = f"{past.agent(step)}'s {what} ({notes})"
    kind: EntryKind = "plan" if isinstance(given, Proposal) else "summary"
    is_new_recap = session is past.lead and given is session.digest.recap and since <= _MOST_SINCE
    row = "recap" if is_new_recap else row
    quote = parted(step, text, kind, row, label=label, most=_MOST_LINES[kind], at_ms=given.at_ms)
    return [replace(one, turn=given.turn) for one in quote]


def _prompts_since(count: int) -> str:
    if count == 0:
        return "no prompt since"
    return "1 prompt since" if count == 1 else f"{count} prompts since"


def progress_entries(past: Past) -> list[Entry]:
    """Returns the newest commits that git reported, as many as share a line, so that none stands as the newest that is
    not; then what was answered, newest first."""
    commits = ((step, commit) for step in reversed(past.steps) for commit in reversed(step.turn.commits))
    # An agent that commits by itself and says nothing has the commit's subject as its words.
    made = [(step, commit) for step, commit in commits if commit.rpartition(" (")[0] != step.turn.answer]
    entries = joined_short(
        from_turn(step, commit, "call", label=f"Committed ({past.place(step, step.turn.committed_ms)})")
        for step, commit in made[:_MOST_COMMITS]
    )[:1]
    answers: list[Entry] = []
    asking = asking_sessions(past)
    stands = [past.main, *([past.work] if past.work is not None else []), *idle_since(past)[-1:]]
    answered = [one for step in past.steps if step.turn.said for one in _answers(step)]
    answered = [step for step in answered if not _is_quoted(past, step, stands) and not _repeats_handoff(step)]
    discussed = _discussed(past, answered)
    before = _answered_before(past, (step for step in answered if step not in discussed))
    for step in not_alike(answered, attrgetter("answer"), _MOST_ALIKE):
        said = _SAID.get(step.turn.end, "said, then was cut off")
        at_ms = step.turn.said[-1].at_ms
        place = past.place(step, at_ms)
        asks = step.is_newest and step.view.session in asking
        answer = last_words(step.turn).said if asks else step.turn.answer
        who = f"{past.agent(step)} {said}"
        row, back = ("discussed", discussed.index(step)) if step in discussed else (None, 0)
        parts = parted(step, answer, "message", row, back, label=f"{who} ({place})", at_ms=at_ms)
        parts = _with_opening(parts, who, place)
        if step in before and parts:  # none of an answer that shows nothing
            parts[0] = replace(parts[0], needed=True)
        answers += parts
    return [*entries, *joined_short(answers), *joined_short(_on_the_way(past, stands)), *_heard(past)]


def _on_the_way(past: Past, stands: Sequence[Step]) -> Iterator[Entry]:
    """Yields what was said before a call, newest turn first: what was found and why something failed is often said
    there alone. Where it stands has these words of a turn that was cut off."""
    for step in reversed(past.steps):
        if step.turn.end != "answered" and _is_quoted(past, step, stands):
            continue
        for said in step.turn.said[:-1]:
            text = before_call(said.text)
            if estimated_tokens(text) >= _LEAST_TOKENS and not said.final:
                label = f"{past.agent(step)} said on the way ({past.place(step, said.at_ms)})"
                yield from parted(step, text, "message", label=label, most=_MOST_ON_THE_WAY, at_ms=said.at_ms)


def _answered_before(past: Past, answered: Iterable[Step]) -> list[Step]:
    """Returns the newest answers before the leading turn for which the agent did more than commit, without those that
    are short, if not all are. Of a leading turn without an answer, what was done right before says most."""
    main = past.main.turn
    done = []
    for step in answered:
        is_main = step.view is past.main.view and step.turn.number == main.number
        if step.turn.end != "answered" or is_main or past.is_beside(step):
            continue
        if (step.turn.calls or step.turn.changes) and not only_committed(step):
            done.append(step)
    oldest_first = sorted(done, key=lambda step: step.turn.said[-1].at_ms)
    newest = oldest_first[::-1][:_MOST_BEFORE]
    telling = [step for step in newest if estimated_tokens(step.turn.answer) >= _SHORT_TOKENS] or newest[:1]
    return telling if main.end == "answered" else telling[:1]


def _discussed(past: Past, answered: Iterable[Step]) -> list[Step]:
    """Returns the newest answers right before the leading turn, newest first, in whose turns nothing was changed: what
    they propose is not done yet, and is in no file. Between them may be turns that came to nothing: a user whose model
    does not answer sends a few words again and again, then takes another agent."""
    before = (turn for turn in reversed(past.lead.digest.turns) if turn.number < past.main.turn.number)
    by_number = {step.turn.number: step for step in answered if step.view is past.lead}
    talk: list[Step] = []
    for turn in before:
        if not (turn.said or turn.calls or turn.changes):
            continue
        step = by_number.get(turn.number)
        if step is None or turn.changes or turn.end != "answered":
            break
        talk.append(step)
    return talk[:_MOST_DISCUSSED]


def _heard(past: Past) -> list[Entry]:
    """Returns what agents of other sessions wrote, newest first: of the leading session, what it began with and what
    came last stay longest, since these may be its orders."""
    asked = orders(past)  # these stand under Task
    heard = [(step, message) for step in past.steps for message in step.turn.heard if message not in asked]
    newest_first = sorted(heard, key=lambda one: -one[1].at_ms)
    first = past.lead.digest.turns[0]
    likely = [*(first.heard[:1] if first.number == 0 else ()), *past.main.turn.heard[-1:]]
    entries: list[Entry] = []
    for step, message in (one for one in newest_first if one[1] in likely or one in newest_first[:_MOST_HEARD]):
        label = f"Message of another agent, {quoted(message.sender)} ({past.place(step, message.at_ms)})"
        row = "heard" if message in likely else None
        entries += parted(step, message.text, "text from outside", row, label=label, most=8, at_ms=message.at_ms)
    return entries


def _answers(step: Step) -> Iterator[Step]:
    """Yields a turn as it was at each of its answers: the report of a job or another session's message made it go on
    after one. Where it stands tells what a turn said last that was cut off."""
    turn = step.turn
    for at, said in enumerate(turn.said[:-1] if turn.end == "answered" or not step.is_newest else ()):
        if said.final:
            yield Step(replace(turn, said=turn.said[: at + 1], end="answered"), step.view)
    yield step


def _with_opening(parts: list[Entry], who: str, place: str) -> list[Entry]:
    """Returns the parts of an answer, each of which comes with the beginning of the first: what an answer comes to is
    mostly said there, and code alone says little."""
    if len(parts) < 2:
        return parts
    whole = parts[0].text
    opening = clip(whole, chars=_OPENING_CHARS, tokens=_OPENING_TOKENS)
    rest = whole[len(opening.removesuffix("…")) :].strip() if opening != whole else ""
    label = f"{who} {in_quotes(of_one_place(opening), 2 * _OPENING_CHARS)} ({place})"
    first = [replace(parts[0], text=f"… {rest}")] if estimated_tokens(rest) >= _LEAST_TOKENS else []
    return [replace(one, label=label) for one in (*first, *parts[1:])]


def _is_quoted(past: Past, step: Step, stands: Sequence[Step]) -> bool:
    """Whether another heading has the answer of this turn, as that of each of `stands`."""
    return any(step.turn is one.turn for one in stands) or (past.is_beside(step) and step.is_newest)


def _repeats_handoff(step: Step) -> bool:
    """Whether an answer does what a handoff asks for first, and no more: it sums that up and asks whether to continue.
    A request for which it looked at something was answered."""
    turn = step.turn
    is_answered = turn.changes > 0 or (turn.calls > 0 and says_something(turn))
    return PROTOCOL_QUESTION in turn.answer and not is_answered
