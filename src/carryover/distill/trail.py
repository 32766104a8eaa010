"""The project's past as the sections read it: the turns of all sessions by time, and which of them leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from carryover.distill.approved import with_plans
from carryover.distill.closed_classes import is_question
from carryover.distill.digest import UNNAMED_JOB, Digest, Pending, Turn
from carryover.distill.goals import says_something
from carryover.distill.quotes import earlier
from carryover.distill.sent_again import without_sent_again
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import DAY_MS
from carryover.model import conversation_of
from carryover.records.shell_jobs import port_of
from carryover.text.looking import is_looking

_CUT_OFF: Final = {"interrupted": "interrupted", "error": "ended in an error", "limit": "stopped at a usage limit"}
_MOST_LAST_LINES: Final = 3
_MOST_SINCE: Final = 8
"""After more answers than this, the last words of the newest recorded work no longer show the current state. Work done
since may not be recognisable, as with a tool whose calls may only look. If the work was cut off, answers without a call
don't count, since they can't have finished it."""
_MANY_TURNS: Final = 8
"""After this many prompts in a later session, the user no longer works on what an earlier session asked."""
_AT_ONCE_MS: Final = 1_000
_SITTING_MS: Final = 3_600_000
"""A session's turns belong together while no longer pause than this is between them."""
_SHORT_ID: Final = 8
_PLAN_CHARS: Final = 200
"""So much of a plan tells which one it is."""


class Step(NamedTuple):
    """A turn with its session."""

    turn: Turn
    view: SessionView

    @property
    def digest(self) -> Digest:
        """The digest of the session's main conversation."""
        return self.view.digest

    @property
    def is_newest(self) -> bool:
        """Whether it is the newest turn of its session."""
        return self.turn is self.digest.turn


class Past(NamedTuple):
    """Everything that the sections are made from. Steps are in order of time."""

    view: ProjectView
    steps: Sequence[Step]
    newest: Step
    """The leading turn: the newest prompt that says something or that work was done for."""
    main: Step
    """The turn whose last words tell where it stands: the leading one, or the one before if nothing followed it yet."""
    work: Step | None
    """The newest turn that did more than commit earlier work, if it is not `main` and few answers have followed."""
    since_work: int
    """How many turns were answered since."""
    at_ms: int
    """Time of the leading session's last event (UTC ms)."""
    clean_ms: int
    """Time of HEAD's commit, if nothing is uncommitted or stashed, else 0."""
    names: Mapping[str, str]
    short_ids: Mapping[str, str]
    beside: frozenset[str]
    """Ids of the unfinished sessions that worked at the same time as the leading one."""
    worked: Sequence[SessionView]
    """The sessions in which the user had work done."""

    @property
    def lead(self) -> SessionView:
        """The leading session."""
        return self.newest.view

    def is_beside(self, step: Step) -> bool:
        """Whether the turn belongs to a session that worked in parallel, which is shown under a separate heading."""
        return step.view.session in self.beside

    def agent(self, step: Step) -> str:
        """Returns the display name of the turn's agent."""
        return self.names.get(step.view.agent, step.view.agent)

    def turn(self, number: int, view: SessionView) -> str:
        """Returns how a turn is called: by its number and, unless its session leads, by its session."""
        is_lead = view.session == self.lead.session
        return f"turn {number}" if is_lead else f"turn {number} of {self.short_ids[view.session]}"

    def spoke(self, step: Step, at_ms: int) -> str:
        """Returns who said the last words of a turn, and when; they are a session's last if no later turn has any."""
        spoke_since = any(turn.said and turn.number > step.turn.number for turn in step.digest.turns)
        words, since = "'s last words", ""
        if spoke_since:
            words = "'s words after the newest work" if step is self.work else " answered"
        if step is self.work and self.since_work > 1:
            since = f", {self.since_work} answers since"
        return f"{self.agent(step)}{words} ({self.place(step, at_ms)}{since})"

    def sent(self, step: Step) -> str:
        """Returns the place of a prompt, and what cut its turn off, or that it has no answer: in the leading session,
        that nothing followed it yet, no words, no call, and, without one (Codex), no plan and no question. Of another
        session's turn nothing else tells it, unless it is one of those that say where it stands."""
        plan, questions = step.digest.proposal, step.digest.questions
        is_asked = step.turn.number in {one.turn for one in (plan, *questions) if one is not None}
        is_shown = step is self.main or step is self.work
        is_left = is_bare(step.turn) if step.view is self.lead else step.turn.end == "" and not is_shown
        nothing = ", no answer recorded" if step.is_newest and is_left and not is_asked else ""
        return ", then ".join(filter(None, (self.place(step), _CUT_OFF.get(step.turn.end)))) + nothing

    def place(self, step: Step, at_ms: int | None = None) -> str:
        """Returns a reference to a turn: what it is called, and its age relative to the handoff."""
        ago = earlier(step.turn.at_ms if at_ms is None else at_ms, self.at_ms)
        return ", ".join(part for part in (f"{self.turn(step.turn.number, step.view)}{step.view.where}", ago) if part)


def past_of(
    view: ProjectView, *, now_ms: int, led_by: str | None = None, names: Mapping[str, str] = {}, clean_ms: int = 0
) -> Past | None:
    """Returns the past of a project; None if nothing happened."""
    view = with_plans(without_sent_again(view))
    steps = steps_of(view)
    if not steps:
        return None
    newest = leading_step(steps, led_by)
    beside = frozenset(session.session for session in parallel_sessions(view, newest))
    mine = [step for step in steps if step.view is newest.view or (led_by is None and step.view.session not in beside)]
    main = _standing_step(mine, newest)
    last = next((step for step in reversed(mine) if did_work(step.turn) and not only_committed(step)), main)
    last = main if _was_sent_again(last) else last
    since = (step.turn for step in mine if step.turn.began > last.turn.began)
    is_done = last.turn.end == "answered"
    answered = sum(turn.end == "answered" and (is_done or turn.calls > 0) for turn in since)
    return Past(
        view=view,
        steps=steps,
        newest=newest,
        main=main,
        work=last if last is not main and answered <= _MOST_SINCE else None,
        since_work=answered,
        at_ms=min(newest.view.newest_ms, now_ms),
        clean_ms=clean_ms,
        names=names,
        short_ids=_short_ids([session.session for session in view.sessions]),
        beside=beside,
        worked=[one for one in view.sessions if one.digest.worked and any(map(says_something, one.digest.turns))],
    )


def steps_of(view: ProjectView) -> list[Step]:
    """Returns the turns of all sessions, by when they were last active."""
    steps = [Step(turn, session) for session in view.sessions for turn in session.digest.turns]
    return sorted(steps, key=lambda step: (step.turn.last_ms, step.turn.at_ms, step.turn.session, step.turn.number))


def leading_step(steps: Sequence[Step], led_by: str | None = None) -> Step:
    """Returns the turn that is not idle and has the newest prompt or the newest words added to it; if all are idle, the
    newest turn. A session that another agent ordered does not lead beside one in which the user wrote. If session
    `led_by` has turns, it is one of those."""
    mine = [step for step in steps if step.turn.session == led_by] or steps
    busy = [step for step in mine if not is_idle(step)] or mine
    ordered = _ordered(steps)
    return max([step for step in busy if step.view.session not in ordered] or busy, key=_by_prompt)


def _ordered(steps: Iterable[Step]) -> frozenset[str]:
    """Returns the sessions in which no user wrote, but that began within an hour of work for the user, or before it: as
    those of an agent's team (Claude Code) do."""
    views = {step.view.session: step.view for step in steps}.values()
    asked = [view for view in views if any(map(says_something, view.digest.turns))]
    last_ms = max((view.newest_ms for view in asked), default=None)
    others = (view for view in views if view.digest.prompts == 0)
    began = ((view.session, view.digest.turns[0].at_ms) for view in others)
    return frozenset(name for name, at_ms in began if last_ms is not None and at_ms <= last_ms + _SITTING_MS)


def _by_prompt(step: Step) -> tuple[int, int, str, int]:
    said_ms = max((reply.at_ms for reply in step.turn.replies if reply.is_added), default=0)
    return max(step.turn.at_ms, said_ms), step.turn.last_ms, step.turn.session, step.turn.number


def _standing_step(steps: Sequence[Step], newest: Step) -> Step:
    if not is_bare(newest.turn):
        return newest
    before = [step for step in steps if not is_bare(step.turn) and not is_idle(step)]
    own = [step for step in before if step.view is newest.view]
    return (own or before or [newest])[-1]


def is_idle(step: Step) -> bool:
    """Whether a turn can't lead: a short reply for which nothing was done. In a session that consists of such
    replies, as when someone asks whether to continue, it may also have looked at something."""
    turn = step.turn
    if turn.changes or turn.replies or says_something(turn):
        return False
    was_busy = turn.calls > 0 or turn.end not in ("", "answered")
    return not (was_busy and any(one.changes or says_something(one) for one in step.digest.turns))


def idle_since(past: Past) -> list[Step]:
    """Returns the idle turns after the leading one."""
    since = (step for step in past.steps if step.turn.began > past.newest.turn.began)
    return [step for step in since if is_idle(step)]


def did_work(turn: Turn) -> bool:
    """Whether something was changed or run in a turn, or calls were made before it was cut off."""
    return turn.changes > 0 or (turn.calls > 0 and turn.end != "answered")


def only_committed(step: Step) -> bool:
    """Whether a turn only committed and pushed what earlier ones had changed. Their answers mostly say what was done
    and what is left."""
    turn = step.turn
    if not turn.commits or turn.end != "answered" or turn.changes > 2 * len(turn.commits) + 1:
        return False
    files = step.digest.touched  # a later edit of a file takes the place of the turn's
    turns = chain((file.turn for file in files), (change.turn for file in files for change in file.changes))
    return turn.number not in turns


def _was_sent_again(step: Step) -> bool:
    """Whether the prompt of a turn that was cut off was sent again in a later turn, and a turn was answered since."""
    turn = step.turn
    if turn.end == "answered" or turn.number == 0 or not answers_since(step.digest, turn.number):
        return False
    is_elsewhere = any(later.number > turn.number and later.sent == turn.sent for later in step.digest.turns)
    return is_elsewhere or not (turn.prompt or turn.attachments)


def did_something(digest: Digest) -> bool:
    """Whether a session did more than greet, approve, or ask the question of the resume protocol."""
    return digest.worked or any(turn.answer and not turn.resumes and says_something(turn) for turn in digest.turns)


def is_bare(turn: Turn) -> bool:
    """Whether nothing has followed the prompt so far."""
    return not (turn.calls or turn.changes or turn.end or turn.said)


def parallel_sessions(view: ProjectView, newest: Step) -> list[SessionView]:
    """Returns the unfinished sessions that worked at the same time as the leading turn, or as those of its session
    shortly before it, newest first."""
    lead = newest.view
    sitting = _sitting(lead.digest.turns, newest.turn)
    return [
        session
        for session in sorted(view.sessions, key=lambda one: (-one.newest_ms, one.session))
        if session is not lead
        and conversation_of(session.session) != conversation_of(lead.session)
        and session.session != lead.parent
        and is_unfinished(session)
        and not carries_out(lead, session.digest)
        and _overlap(session.digest.turns, sitting)
    ]


def _overlap(some: Iterable[Turn], others: Sequence[Turn]) -> bool:
    """Whether a turn of `some` and one of `others` happened at the same time."""
    began_ms = min(other.at_ms for other in others)
    late = (one for one in some if one.last_ms >= began_ms)  # most of a long past ended before
    return any(
        one.at_ms <= other.last_ms and other.at_ms <= one.last_ms  # as intervals overlap
        for one in late
        for other in others
    )


def is_unfinished(session: SessionView, *, is_replied: bool = False) -> bool:
    """Whether the newest turn of a session has no answer, or left something open. `is_replied`: the user replied to its
    question in another session."""
    digest = session.digest
    if not digest.turns:
        return False
    newest = Step(digest.turns[-1], session)
    if newest.turn.end != "answered":
        return not is_idle(newest)
    ends = newest.turn.answer.splitlines()[-_MOST_LAST_LINES:]
    asks = bool(digest.questions) or (any(map(is_question, ends)) and not is_idle(newest))
    waits = bool(waiting_prompts(digest)) or plan_waits(digest)
    return (asks and not is_replied) or waits or any(item.state != "done" for item in digest.plan)


def plan_waits(digest: Digest) -> bool:
    """Whether a written plan waits for the user's word, or what the user said of it is not recorded."""
    plan = digest.proposal
    if plan is None or plan.turn != digest.prompts:
        return False
    return plan.accepted is None or has_no_ruling(digest)


def has_no_ruling(digest: Digest) -> bool:
    """Whether a plan's refusal is the last that is recorded, but for an interruption at once. So ends a conversation of
    Claude Code (2.1.12 to 2.1.63) whose plan was accepted with a new one to carry it out, and one that the user left
    with Escape; after any other refusal comes a word or an answer."""
    plan = digest.proposal
    if plan is None or plan.accepted is not False or digest.turn is None:
        return False
    is_last = digest.turn.end in ("", "interrupted") and digest.last_ms - plan.at_ms < _AT_ONCE_MS
    return is_last and plan.turn == digest.prompts


def carries_out(session: SessionView, digest: Digest) -> bool:
    """Whether a session began with the newest plan of another one."""
    plan = digest.proposal.text[:_PLAN_CHARS] if digest.proposal is not None else ""
    prompt = next((turn.prompt for turn in session.digest.turns if turn.prompt), "")
    return plan != "" and session.digest is not digest and plan in prompt[: 2 * _PLAN_CHARS]


def carried_out_by(past: Past, digest: Digest) -> SessionView | None:
    """Returns the session that began with a session's newest plan, if any did."""
    return next((session for session in past.view.sessions if carries_out(session, digest)), None)


def was_left(past: Past, at_ms: int) -> bool:
    """Whether the user had work done in two sessions that began after `at_ms`, or in one that has many turns or after
    whose start everything was committed. In public transcripts, of 32 questions with two such sessions and of 58 with
    one of eight prompts or more none was answered later in its own session."""
    later = _begun_since(past, at_ms)
    return len(later) > 1 or any(_has_many_turns(one) or _was_committed(past, one) for one in later)


def _has_many_turns(session: SessionView) -> bool:
    return sum(map(says_something, session.digest.turns)) >= _MANY_TURNS


def was_committed(past: Past, at_ms: int) -> bool:
    """Whether the user had work done in a session that began after `at_ms`, and all is committed since."""
    return any(_was_committed(past, one) for one in _begun_since(past, at_ms))


def _was_committed(past: Past, session: SessionView) -> bool:
    return session.started_ms < past.clean_ms


def sessions_since(past: Past, at_ms: int) -> int:
    """Returns in how many sessions that began after `at_ms` the user had work done."""
    return len(_begun_since(past, at_ms))


def _begun_since(past: Past, at_ms: int) -> list[SessionView]:
    return [one for one in past.worked if one.started_ms > at_ms]


def answers_since(digest: Digest, turn: int) -> int:
    """Returns how many later turns were answered: by so much has the work gone on since."""
    return sum(later.number > turn and later.end == "answered" for later in digest.turns)


def answered_elsewhere(past: Past, session: SessionView, at_ms: int) -> int:
    """Returns how many turns of other sessions were answered since `at_ms`; none if the session itself leads."""
    others = [step.turn for step in past.steps if step.view is not session] if session is not past.lead else []
    return sum(turn.at_ms > at_ms and turn.end == "answered" for turn in others)


def waiting_prompts(digest: Digest) -> list[Pending]:
    """Returns the prompts that were typed while the agent worked and that no turn has taken up since."""
    return [prompt for prompt in digest.queued if prompt.turn >= digest.prompts - 1]


def running_jobs(past: Past) -> list[tuple[Pending, SessionView]]:
    """Returns the jobs of all sessions that may run at the handoff's time, oldest first; of those of one session with
    the same text, and of those on the same port of a machine, the newest. A job whose end the client does not report is
    left out once its turn was answered."""
    digests = ((digest, session) for session in past.view.sessions for digest in session.digests)
    jobs = (
        (job, session)
        for digest, session in digests
        for job in digest.jobs
        if not (job.unreported and answers_since(digest, job.turn - 1))
    )
    running = sorted((one for one in jobs if is_running(one[0], past.at_ms)), key=lambda one: one[0].at_ms)
    # A server that was started again with the same command or on the same port has most likely replaced the one before.
    newest = {_place_of(job, session): (job, session) for job, session in running}
    return sorted(newest.values(), key=lambda one: one[0].at_ms)


def _place_of(job: Pending, session: SessionView) -> tuple[str, ...]:
    if (port := port_of(job.text)) is not None:
        return (port, session.where)
    return (session.session, job.text, job.id if job.text == UNNAMED_JOB else "")


def is_running(job: Pending, at_ms: int) -> bool:
    """Whether a job without a recorded end may run at a time: it was started or mentioned in the day before."""
    return job.at_ms > at_ms - DAY_MS and not is_looking(job.text)


def _sitting(turns: Sequence[Turn], newest: Turn) -> list[Turn]:
    """Returns `newest` and the turns before it, up to the last long pause."""
    sitting = [newest]
    for turn in reversed([turn for turn in turns if turn.number < newest.number]):
        if sitting[-1].at_ms - turn.last_ms > _SITTING_MS:
            break
        sitting.append(turn)
    return sitting


def _short_ids(ids: Sequence[str]) -> dict[str, str]:
    short = {}
    for session in ids:
        length = _SHORT_ID
        while length < len(session) and any(o != session and o.startswith(session[:length]) for o in ids):
            length += 1
        short[session] = session[:length]
    return short
