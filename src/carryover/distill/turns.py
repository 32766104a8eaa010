"""Folds what is said and what waits: a prompt begins a turn, and everything else goes to the newest; older ones are
trimmed."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from carryover import model
from carryover.distill import digest as kept
from carryover.distill.closed_classes import is_question
from carryover.distill.digest import Call, Digest, Failure, Heard, Pending, Reply, Said, Turn
from carryover.distill.forms import filled_in, whole_form
from carryover.distill.own_text import only_points_at_handoff, without_handoffs, without_mark
from carryover.distill.pastes import clip_prompt, on_one_line
from carryover.distill.quotes import clip, clip_middle, lines_of, sentences
from carryover.model import Event
from carryover.text.harmless import one_line
from carryover.text.markdown import without_blocks, without_thinking
from carryover.text.pattern import later

_MOST_CALLS: Final = 40
_OLDER_OUTPUT: Final = ((3, 1600), (8, 320))
"""From how many calls back on output is cut, and to how many characters."""
_OLDER_REPORT: Final = 1600  # of a sub-agent: nothing else has what it found
MOST_FAILURES: Final = 12
MOST_PENDING: Final = 20
_MOST_TURNS: Final = 48
_NEWEST_CHARS: Final = 8000
_MOST_SAID: Final = 8
_MOST_HEARD: Final = 3
# Turns back → what is kept: number of texts, characters of the last one, of the others, of the prompt.
_KEPT: Final = (
    (1, 5, 6000, 700, 3000),
    (3, 3, 2600, 500, 2000),
    (8, 2, 1800, 300, 1200),
    (16, 1, 1000, 0, 700),
    (17, 1, 500, 0, 500),
)
_FIRST_PROMPT_CHARS: Final = 2400
"""The first prompt usually contains the goal and its details."""
_RECENT: Final = 16  # so many of the newest turns always stay
_LONGEST_PROMPT: Final = 4000
_LONGEST_OTHER: Final = 1200
_LONGEST_SUMMARY: Final = 2400
_LONGEST_PART: Final = 1200
_MOST_PARTS: Final = 12
MOST_REPLIES: Final = 8
_MOST_ITEMS: Final = 40
_MOST_OPTIONS: Final = 6
_MOST_QUESTIONS: Final = 12
_LONGEST_PLAN: Final = 4000
_LONGEST_QUEUED: Final = 600
_LONGEST_ADDED: Final = 1200
_LONGEST_REMARK: Final = 200
_BY_SIGNAL: Final = 128
"""Shells give a command that a signal ended a greater exit code."""
_ASIDE: Final = 3
"""An answer is more than this many times as long as a later message that only acknowledges the end of a job."""
_OF_CRASHES: Final = frozenset((4, 6, 7, 8, 11))
"""Signals that a program gets for its own faults, such as SIGSEGV; bus errors are another number on macOS."""
_AT_ONCE_MS: Final = 1_000
_WHILE_MS: Final = 60_000
"""A text that is newer may still be followed by the call that it leads to."""
_IN_JSON: Final = later(r'\{"(?:(?!"message")[^\n]){0,200}?"message" ?: ?"((?:[^"\\]|\\.){1,400})".*')
"""A provider's answer in an error's message: what it says is its `message` (Aider 0.86.2, Cline)."""
_LONGEST_ERROR: Final = 2000
"""Characters of an error's message that are looked at."""


def with_turn(digest: Digest, **changes: Any) -> Digest:
    """Returns the digest with its newest turn changed; unchanged if there is none yet."""
    if not digest.turns:
        return digest
    return replace(digest, turns=(*digest.turns[:-1], replace(digest.turns[-1], **changes)))


def at_work(digest: Digest, event: Event) -> Digest:
    """Returns the digest with a turn for the event: one without a prompt if a thread begins with work."""
    if digest.turns:
        return digest
    turn = Turn(session=event.session, number=0, at_ms=event.at_ms, last_ms=event.at_ms, branch=digest.branch)
    return replace(digest, turns=(turn,))


def _begin(digest: Digest, turn: Turn) -> Digest:
    """Adds `turn` as the newest one. The older a turn is, the less of it is kept."""
    aged = digest.turns
    for back, *limits in _KEPT:
        at = len(aged) - back
        if at >= 0:
            aged = (*aged[:at], _shortened(aged[at], *limits), *aged[at + 1 :])
    if len(aged) >= _MOST_TURNS:  # the one that a reader misses least goes, but never the first
        least = min(range(1, len(aged) - _RECENT), key=lambda at: (_weight(aged, at), at))
        aged = (*aged[:least], *aged[least + 1 :])
    return replace(digest, turns=(*aged, turn))


def _shortened(turn: Turn, texts: int, last: int, others: int, prompt: int) -> Turn:
    prompt = max(prompt, _FIRST_PROMPT_CHARS) if turn.number <= 1 else prompt
    said = _newest(turn.said, texts)
    said = tuple(
        replace(one, text=clip_middle(one.text, chars=last if one is said[-1] else others))
        for one in said
        if others or one is said[-1]
    )
    return replace(turn, said=said, prompt=clip_prompt(turn.prompt, chars=prompt))


def _newest(said: tuple[Said, ...], most: int) -> tuple[Said, ...]:
    """Returns the last text and the newest others, of which answers stay longest."""
    ranked = sorted(range(len(said)), key=lambda at: (at == len(said) - 1, said[at].final, at))
    return tuple(said[at] for at in sorted(ranked[-most:]))


def _weight(turns: tuple[Turn, ...], at: int) -> int:
    """Returns the length of the prompt, increased for a correction, for replies of the user and for commits. A
    correction follows an interrupted turn, which weighs at least as much as the correction."""
    turn = turns[at]
    corrects = turns[at - 1].end == "interrupted"
    weight = min(turn.chars, 600) * (3 if corrects else 1) + 300 * len(turn.replies) + 50 * len(turn.commits)
    is_corrected = turn.end == "interrupted" and at + 1 < len(turns)
    return max(weight, _weight(turns, at + 1)) if is_corrected else weight


def prompt(digest: Digest, event: Event, body: model.UserPrompt) -> Digest:
    """Begins a new turn, unless one was running that takes the words up. Nothing of a scheduled prompt is the user's
    own, as of a stored one."""
    if body.actor != "human" and not body.scheduled:
        return _heard(digest, event, body) if body.sender else digest
    if body.in_turn and event.subagent_id is not None:
        digest = at_work(digest, event)  # a side chat has no other turn, and none of the session's begins in it
    if body.in_turn and digest.turns:
        return _added(digest, event, body)
    resumes = only_points_at_handoff(body.text)
    typed = "" if resumes else without_handoffs(body.text).strip()
    form = whole_form("scheduled", typed) if body.scheduled else filled_in(typed)
    form = whole_form("stored", typed) if form is None and body.stored else form
    typed = typed if form is None else form.typed or form.template
    text = f"{body.command} {typed}".strip() if body.command else typed
    turn = Turn(
        session=event.session,
        number=digest.prompts + 1,
        at_ms=event.at_ms,
        last_ms=event.at_ms,
        prompt=prompt_excerpt(text),
        chars=len(text),
        template=form.template if form is not None else "",
        attachments=body.attachments,
        accepts_plan=body.accepts_plan,
        resumes=resumes,
        branch=digest.branch,
    )
    return replace(
        _begin(digest, turn),
        prompts=turn.number,
        ending=None,
        open_calls=(),
        questions=(),
        queued=_unsent(digest, body),
    )


def _added(digest: Digest, event: Event, body: model.UserPrompt) -> Digest:
    """Adds words that were typed while the agent worked to its turn, which goes on."""
    text = on_one_line(without_handoffs(body.typed), chars=_LONGEST_ADDED)
    if not text:
        return digest
    replies = (*digest.turns[-1].replies, Reply(text=text, to="", at_ms=event.at_ms))[-MOST_REPLIES:]
    waiting = tuple(one for one in digest.questions if one.call_id)  # others were asked while the agent worked on
    digest = replace(digest, questions=waiting, queued=_unsent(digest, body))
    return with_turn(digest, replies=replies, end="", last_ms=event.at_ms)


def _heard(digest: Digest, event: Event, body: model.UserPrompt) -> Digest:
    """Adds what another agent's session sent to the turn, which goes on."""
    digest, before = at_work(digest, event), digest
    is_order = digest.prompts == 0 and not digest.turns[-1].heard
    longest = _LONGEST_PROMPT if is_order else _LONGEST_OTHER
    text = clip_middle(without_handoffs(body.text).strip(), chars=longest, tail_share=0.3)
    if not text:
        return before
    heard = (*digest.turns[-1].heard, Heard(sender=clip(one_line(body.sender), chars=80), text=text, at_ms=event.at_ms))
    heard = heard if len(heard) <= _MOST_HEARD else (heard[0], *heard[1 - _MOST_HEARD :])
    return with_turn(digest, heard=heard, end="", last_ms=event.at_ms)


def _unsent(digest: Digest, body: model.UserPrompt) -> tuple[Pending, ...]:
    """Returns the queued prompts that wait for their turn after a prompt."""
    sent = _queued_text(body.text)
    return tuple(waiting for waiting in digest.queued if waiting.text != sent)


def prompt_excerpt(text: str) -> str:
    """Returns as much of a prompt as its turn holds."""
    return clip_prompt(text, chars=_LONGEST_PROMPT)


def message(digest: Digest, event: Event, body: model.AssistantMessage) -> Digest:
    """Adds a text, which ends its turn unless something follows, or it is marked as not final, or it has no mark and
    ends in a colon."""
    text = without_mark(without_handoffs(without_thinking(body.text))).strip()
    if not text:
        return digest
    digest = _with_remark(at_work(digest, event), text)
    turn = digest.turns[-1]
    begun = _begun(turn, body)
    # "Waiting." after each report of a job takes the place of what was said once.
    others = tuple(one for one in turn.said if one.text != text and one is not begun)
    text = f"{begun.text}\n\n{text}" if begun is not None and begun.text != text else text
    announces = body.final is None and text.endswith((":", "："))
    closing = body.final is not False and not body.aborted and not announces
    left_open = "" if turn.end == "answered" else turn.end
    end = "answered" if closing else left_open
    text = clip_middle(without_blocks(text, counted=turn.changes == 0), chars=_NEWEST_CHARS)
    newest = Said(text, event.at_ms, body.final is True and not body.aborted)
    is_aside = closing and _is_aside(digest, others, text)
    *before, last = (*others[:-1], newest, others[-1]) if is_aside else (*others, newest)
    clipped = (replace(one, text=clip_middle(one.text, chars=_LONGEST_OTHER)) for one in before)
    said = _newest((*clipped, last), _MOST_SAID)
    digest = with_turn(digest, said=said, end=end, grows=body.grows, last_ms=event.at_ms)
    ended = digest.ended if is_aside else ()
    return replace(digest, ended=ended, ending=None if closing else digest.ending)


def _is_aside(digest: Digest, said: tuple[Said, ...], text: str) -> bool:
    """Whether a text only acknowledges that a job has ended, without a call since the turn was answered: "That was the
    old search." In public transcripts, none of the 53 messages after the end of a job took the answer's place if it
    was so much shorter. A question does take it."""
    answered = digest.ended != () and said != () and digest.turns[-1].end == "answered"
    return answered and len(text) * _ASIDE < len(said[-1].text) and not is_question(text)


def _begun(turn: Turn, body: model.AssistantMessage) -> Said | None:
    """Returns the text that is the beginning of this one's answer; None if something else came in between."""
    last = turn.said[-1] if turn.said else None
    return last if body.goes_on and turn.end == "answered" and last is not None and not last.final else None


def closed_before(digest: Digest, at_ms: int) -> Digest:
    """Marks the last text as the turn's answer if the turn ended a while ago: what comes now continues it."""
    turn = digest.turn
    if turn is None or turn.end != "answered" or not turn.said or at_ms - turn.said[-1].at_ms < _WHILE_MS:
        return digest
    return with_turn(digest, said=(*turn.said[:-1], replace(turn.said[-1], final=True)))


def _with_remark(digest: Digest, text: str) -> Digest:
    """Returns the digest with what the agent says right after a call that failed: why, and what it tries instead. One
    sentence that leads to the next call says neither."""
    failure = digest.failures[-1] if digest.failures else None
    if failure is None or failure.words or digest.open_calls or not _just_failed(digest, failure):
        return digest
    said = lines_of(text)[:1]
    if not said or (said[0].endswith((":", "：")) and len(sentences(said[0])) == 1):
        return digest
    words = clip(said[0], chars=_LONGEST_REMARK)
    return replace(digest, failures=(*digest.failures[:-1], replace(failure, words=words)))


def _just_failed(digest: Digest, failure: Failure) -> bool:
    """Whether no call or turn has begun since a call failed, the user has typed nothing, and no call that ran at the
    same time has failed after it."""
    if digest.turn is None or (failure.turn, failure.begun) != (digest.turn.number, digest.turn.calls):
        return False
    if any(reply.at_ms > failure.at_ms for reply in digest.turn.replies):
        return False
    moment = failure.at_ms, failure.turn
    # Behind a pipe to `tail` its own call ended well.
    calls = ((call.status, (call.at_ms, call.turn)) for call in reversed(digest.calls))
    return next((at for status, at in calls if status == "error" or at == moment), None) == moment


def answer(digest: Digest, event: Event, body: model.Answer) -> Digest:
    """Closes a tool's question; question and answer become a reply of the user."""
    digest = replace(digest, questions=tuple(asked for asked in digest.questions if asked.call_id != body.call_id))
    if digest.turn is None:
        return digest
    to = clip(one_line(body.question), chars=300)
    reply = Reply(text=clip(one_line(body.text), chars=400), to=to, at_ms=event.at_ms)
    return with_turn(digest, replies=(*digest.turn.replies, reply)[-MOST_REPLIES:])


def refused_call(digest: Digest, reply: Reply) -> Digest:
    """Adds a refused call. Refused again in the same turn without a word, it counts once."""
    others = (one for one in digest.turns[-1].replies if (one.to, one.text) != (reply.to, ""))
    return with_turn(digest, replies=(*others, reply)[-MOST_REPLIES:])


def allowed(digest: Digest, call: str) -> Digest:
    """Marks the refusals of a call that has now succeeded."""
    refused = [turn for turn in digest.turns if any(_stands(reply, call) for reply in turn.replies)]
    if not refused:
        return digest
    return replace(digest, turns=tuple(_with_consent(turn, call) if turn in refused else turn for turn in digest.turns))


def _with_consent(turn: Turn, call: str) -> Turn:
    replies = (replace(reply, allowed=True) if _stands(reply, call) else reply for reply in turn.replies)
    return replace(turn, replies=tuple(replies))


def _stands(reply: Reply, call: str) -> bool:
    return reply.refused and reply.to == call and not reply.allowed


def ending(digest: Digest, event: Event, body: model.TurnEnd) -> Digest:
    """Records that the turn was cut off, whatever was said in it. Who cancels at a limit was stopped by the limit."""
    if body.reason == "interrupted" and digest.turn is not None and digest.turn.end == "limit":
        return digest
    digest = _without_stopped(digest, event.at_ms) if body.reason == "interrupted" else digest
    message = clip(_IN_JSON.sub(r"\1", one_line(body.message[:_LONGEST_ERROR])), chars=200)
    cut_off = kept.Ending(reason=body.reason, message=message, at_ms=event.at_ms, resets=body.resets)
    return replace(with_turn(digest, end=body.reason, last_ms=event.at_ms), ending=cut_off)


def _without_stopped(digest: Digest, at_ms: int) -> Digest:
    """Returns the digest without the failure of a call that ran when the user interrupted the turn: a signal ended it
    (Claude Code 2.1.133: exit code 137), just before, unlike one that had run out of time."""
    newest = [call for call in digest.calls[-1:] if at_ms - call.at_ms < _AT_ONCE_MS]
    stopped = [(call.at_ms, call.turn) for call in newest if stopped_by_signal(call.exit_code)]
    return replace(digest, failures=tuple(one for one in digest.failures if (one.at_ms, one.turn) not in stopped))


def stopped_by_signal(exit_code: int | None) -> bool:
    """Whether an exit code says that a signal ended a command, other than one for its own faults."""
    return exit_code is not None and exit_code > _BY_SIGNAL and exit_code - _BY_SIGNAL not in _OF_CRASHES


def summary(digest: Digest, event: Event, body: model.AgentSummary) -> Digest:
    """Keeps the newest summary of each kind: from a compaction, and for a user who was away."""
    text = "" if body.parts else clip_middle(without_handoffs(body.text).strip(), chars=_LONGEST_SUMMARY)
    parts = (replace(part, text=clip_middle(part.text, chars=_LONGEST_PART)) for part in body.parts[:_MOST_PARTS])
    made = kept.Summary(text=text, at_ms=event.at_ms, turn=digest.prompts, parts=tuple(parts))
    return replace(digest, recap=made) if body.source == "away" else replace(digest, summary=made)


def plan(digest: Digest, event: Event, body: model.PlanUpdate) -> Digest:
    """Sets the current todo list."""
    items = tuple(replace(item, text=clip(one_line(item.text), chars=200)) for item in body.items[:_MOST_ITEMS])
    return replace(at_work(digest, event), plan=items, plan_ms=event.at_ms, plan_turn=digest.prompts)


def proposal(digest: Digest, event: Event, body: model.PlanProposal) -> Digest:
    """Sets the newest written plan, with the user's decision."""
    text = clip_middle(body.text.strip(), chars=_LONGEST_PLAN)
    if not text and digest.proposal is not None:
        text = digest.proposal.text
    made = kept.Proposal(
        text=text,
        at_ms=event.at_ms,
        turn=digest.prompts,
        accepted=body.accepted,
        call_id=body.call_id,
        file=body.file,
    )
    decided = made if made.accepted is not None else digest.decided
    return replace(at_work(digest, event), proposal=made, decided=decided)


def without_unasked(digest: Digest, call: str) -> Digest:
    """Returns the digest without what a failed call would have asked: it was not shown to the user (Gemini CLI, March
    2026; a plan outside of plan mode in Qwen Code 0.24.4)."""
    plan = digest.proposal
    if plan is not None and plan.accepted is None and plan.call_id == call:
        digest = replace(digest, proposal=digest.decided)
    return replace(digest, questions=tuple(asked for asked in digest.questions if asked.call_id != call))


def question(digest: Digest, event: Event, body: model.Question) -> Digest:
    """Opens a question until its answer or the user's next prompt comes."""
    asked = kept.OpenQuestion(
        text=clip(one_line(body.text), chars=400),
        at_ms=event.at_ms,
        options=tuple(clip(one_line(option), chars=120) for option in body.options[:_MOST_OPTIONS]),
        call_id=body.call_id,
        turn=digest.prompts,
    )
    return replace(at_work(digest, event), questions=(*digest.questions, asked)[-_MOST_QUESTIONS:])


def queued(digest: Digest, event: Event, body: model.QueuedPrompt) -> Digest:
    """Adds a prompt that waits until the agent is free, or removes one that was withdrawn."""
    text = _queued_text(body.text)
    others = tuple(waiting for waiting in digest.queued if waiting.text != text)
    if body.change == "withdrawn" or not text:
        return replace(digest, queued=others)
    waiting = Pending(id=event.key, text=text, at_ms=event.at_ms, turn=digest.prompts)
    return replace(digest, queued=(*others, waiting)[-MOST_PENDING:])


def _queued_text(prompt: str) -> str:
    return on_one_line(without_handoffs(prompt), chars=_LONGEST_QUEUED)


def with_call(digest: Digest, made: Call) -> Digest:
    """Adds a finished call. The output of older calls is cut."""
    calls = [*digest.calls, made]
    for back, chars in _OLDER_OUTPUT:
        at = len(calls) - 1 - back
        most = max(chars, _OLDER_REPORT) if at >= 0 and calls[at].op == "agent" else chars
        if at >= 0 and len(calls[at].output) > most:
            calls[at] = replace(calls[at], output=clip_middle(calls[at].output, chars=most))
    return replace(digest, calls=tuple(calls[-_MOST_CALLS:]))
