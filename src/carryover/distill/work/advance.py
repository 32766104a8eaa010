"""How a turn moves the lines of work. A pure step from state to state, the same whether turns come one by one or all at
once.

Nothing is closed by a prompt alone: what was asked and announced stays until the turn has worked, except by an answer
that has the form of one.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import Turn
from carryover.distill.language.announcements import CLOSING_WORDS
from carryover.distill.language.forms import begins_with_yes, is_coded, is_yes, numbered_answers
from carryover.distill.language.names import shared_names, weighty_words
from carryover.distill.language.prose import one_line, sentences
from carryover.distill.language.rules import LASTING
from carryover.distill.language.templates import is_bare
from carryover.distill.work.abandoned import without_abandoned
from carryover.distill.work.outcome import (
    after_work,
    item_of,
    items_of,
    merged,
    questions_of,
    unanswered_question,
    with_rules,
)
from carryover.distill.work.relation import (
    HEAVY_WORDS,
    brings_a_request,
    is_heavy,
    is_resuming,
    new_goal_score,
    only_rules,
    picked,
    relation_of,
    says_something,
    worked,
)
from carryover.distill.work.state import (
    AGREED,
    ANSWERED,
    LAST_WORDS,
    MOST_DEAD_ENDS,
    MOST_FINDINGS,
    MOST_LINES,
    MOST_RULES,
    NO_RESULT,
    PLAN_ACCEPTED,
    QUESTION,
    Item,
    Line,
    WorkState,
)
from carryover.distill.work.turn_text import with_text_read

_MOST_SESSIONS: Final = 24
_GOAL_CHARS: Final = 600
_STEP_CHARS: Final = 400
_ASKED_CHARS: Final = 170


def advance(state: WorkState, turn: Turn) -> WorkState:
    """The state after `turn`, which may still run."""
    first = turn.session not in state.sessions and turn.session not in state.resumed
    if first and is_resuming(turn, first=True):
        state = replace(state, resumed=(*state.resumed, turn.session)[-_MOST_SESSIONS:])
    state = without_abandoned(state, turn)
    line = state.line_of(turn.session) or state.lead
    turn = with_text_read(turn)
    if turn.number == 1 and line is not None and _is_protocol(turn, line):
        return state
    relation = relation_of(turn, line, first=first)
    if relation == "goal":
        return _on_line(state, turn, after_work(_new_line(turn, line), turn, relation), moved=True)
    if line is None:
        # Work on something that was asked for elsewhere opens a line without a goal; talk opens none.
        opened = Line(id=_line_id(turn))
        return _on_line(state, turn, _consent(opened, turn), moved=True) if turn.changed or turn.edited else state
    if relation == "doubtful":
        new = _doubtful_line(turn, line, new_goal_score(turn, line, first=first))
        return _on_line(state, turn, after_work(new, turn, "goal"), moved=True)
    return _on_line(state, turn, _MOVES[relation](line, turn), moved=relation != "light")


def _line_id(turn: Turn) -> str:
    return f"{turn.session}:{turn.number}"


def _is_protocol(turn: Turn, line: Line) -> bool:
    """The first turn of a later session that only says where things stand and asks whether to continue. A question with
    a name in it that the work does not know is a real one."""
    report = turn.report
    if (is_heavy(turn) and not is_resuming(turn, first=True)) or turn.changed or turn.edited or report is None:
        return False
    known = {name for item in (line.goal, line.step, *line.questions, *line.announced) if item for name in item.names}
    known.update(line.reported)
    new = [one for one in report.asked if one.names and not shared_names(one.names, known)]
    # Any other question of the agent's may be about the request: what to write, which of two ways.
    return not new and (report.asks_to_go_on or (bool(report.asked) and not brings_a_request(turn)))


def _on_line(state: WorkState, turn: Turn, line: Line, *, moved: bool) -> WorkState:
    """`state` with `line` as it is now, `turn`'s session on it; in front, where the turn moved it."""
    if moved:
        others = (_shelved(other) for other in state.lines if other.id != line.id)
        lines = (replace(line, at_ms=turn.last_ms), *others)
    else:
        lines = tuple(line if other.id == line.id else other for other in state.lines)
    sessions = {session: known for session, known in state.sessions.items() if session != turn.session}
    if moved or turn.session in state.sessions:
        sessions[turn.session] = line.id
    for oldest in list(sessions)[:-_MOST_SESSIONS]:
        del sessions[oldest]
    return replace(state, lines=lines[:MOST_LINES], sessions=sessions)


def _shelved(line: Line) -> Line:
    """A line that no longer leads, with what matters should it be taken up again."""
    return replace(
        line,
        dead_ends=line.dead_ends[-4:],
        findings=tuple(sorted(line.findings, key=lambda item: -item.weight)[:4]),
        loose_ends=line.loose_ends[-3:],
        files=line.files[-10:],
        reported=line.reported[:10],
    )


def _new_line(turn: Turn, before: Line | None) -> Line:
    """A line with this goal. Where the goal before was only an opening, it keeps what was decided under it."""
    text = turn.prompt.text or turn.prompt.pasted
    rule = "first request" if before is None else "request that begins something new"
    if turn.prompt.asks and turn.end == "answered" and not (turn.changed or turn.edited):
        rule = QUESTION
    new = Line(
        id=_line_id(turn),
        goal=item_of(turn, clip(text, chars=_GOAL_CHARS), rule, names=turn.prompt.names),
        goal_words=0 if is_bare(turn.prompt.text) else turn.prompt.words,
        goal_is_weak=is_bare(turn.prompt.text) or not (is_heavy(turn) or worked(turn)),
    )
    if before is None or not _is_opening(before) or before.step is not None or not _is_open_to(before, turn):
        return new
    return replace(before, goal=new.goal, goal_words=new.goal_words, goal_is_weak=new.goal_is_weak)


def _is_opening(line: Line) -> bool:
    """Its goal is so little of one that the next request takes its place."""
    return line.goal_is_weak or (line.goal is not None and line.goal.rule == QUESTION)


def _is_open_to(line: Line, turn: Turn) -> bool:
    """Nothing was done on the line yet, or all of it in the session of this turn: another session's work is its own."""
    return not line.files or (line.goal is not None and line.goal.session == turn.session)


def _doubtful_line(turn: Turn, before: Line, doubt: float) -> Line:
    """A line with this goal that keeps all of the one before, and its goal, should the new one be a step of it."""
    new = _new_line(turn, before)
    return replace(
        before,
        id=_line_id(turn),
        goal=new.goal,
        goal_words=new.goal_words,
        goal_is_weak=new.goal_is_weak,
        former_goal=before.former_goal or (before.goal if _is_unfinished(before) else None),
        doubt=doubt,
        step=None,
        step_waits=False,
    )


def _is_unfinished(line: Line) -> bool:
    """Its goal says enough to be one, or something of it is still to come."""
    goal = line.goal
    is_clear = goal is not None and (line.goal_words >= HEAVY_WORDS or bool(goal.names))
    return is_clear or bool(line.announced or line.questions or line.step_waits)


# ---- moves on a line


def _light(line: Line, turn: Turn) -> Line:
    """Keeps all; what the answer announces comes in front of what was announced before."""
    report = turn.report
    if report is None:
        return replace(line, unanswered=unanswered_question(turn) or line.unanswered)
    announced = items_of(turn, report.announced)
    known = {item.text for item in announced}
    kept = tuple(item for item in line.announced if item.text not in known)
    decides = only_rules(turn.prompt.text) and not turn.prompt.asks
    asked = questions_of(turn, report)
    return replace(
        line,
        announced=(*announced, *kept)[:3] if not decides else line.announced,
        choices=report.choices or line.choices,
        questions=(*line.questions, *(item for item in asked if item.text not in {q.text for q in line.questions}))[
            -3:
        ],
        dead_ends=merged(line.dead_ends, items_of(turn, (*turn.dead_ends, *report.dead_ends)), MOST_DEAD_ENDS),
        rules=with_rules(line, turn, least=1.5 if decides else LASTING),
        findings=merged(
            line.findings,
            [item for item in items_of(turn, report.findings) if item.names and item.weight >= 2],
            MOST_FINDINGS,
        ),
    )


def _paste(line: Line, turn: Turn) -> Line:
    return after_work(line, turn, "paste")


def _consent(line: Line, turn: Turn) -> Line:
    """The step is what was proposed, without the words that agreed to it."""
    proposed = _proposed(line, turn)
    picks = weighty_words(turn.prompt.text) & weighty_words(" ".join(item.text for item in line.announced))
    unclear = turn.end != "answered" and says_something(turn) and not picks
    keeps = (line.step is not None and line.step_waits) or unclear
    step = item_of(turn, proposed, AGREED) if proposed and not keeps else line.step
    if turn.accepted_plan:
        step = item_of(turn, turn.accepted_plan, PLAN_ACCEPTED)
    after = replace(
        line,
        step=step,
        step_waits=not worked(turn),
        announced=_agreed(line, turn) or line.announced,
    )
    return after_work(after, turn, "consent")


def _answer(line: Line, turn: Turn) -> Line:
    text = one_line(turn.prompt.text)
    question = " ".join(dict.fromkeys(item.text for item in line.questions[-2:]))
    chosen = picked(line.questions[-1].options if line.questions else line.choices, text)
    said = f"{text} ({chosen})" if chosen else text
    decided = _decided(turn, question, said)
    step = item_of(turn, f'Answered "{clip(said, chars=120)}" to: {clip(question, chars=240)}', ANSWERED)
    if not question:
        step = item_of(turn, f"Chose: {clip(said, chars=240)}", ANSWERED)
    keeps_step = line.step is not None and line.step_waits
    decided_each = _each_answered(line, turn) or (decided,)
    after = replace(
        line,
        step=line.step if keeps_step else step,
        questions=(),
        announced=(_agreed(line, turn) if begins_with_yes(text) else ()) or line.announced,
        rules=(*line.rules, *decided_each)[-MOST_RULES:],
    )
    return after_work(after, turn, "answer")


def _each_answered(line: Line, turn: Turn) -> tuple[Item, ...]:
    """Every question with its own answer, where a reply goes through them by their numbers."""
    answers = numbered_answers(turn.prompt.text)
    if not answers or max(answers) > len(line.questions):
        return ()
    return tuple(_decided(turn, line.questions[number - 1].text, one_line(said)) for number, said in answers.items())


def _decided(turn: Turn, question: str, said: str) -> Item:
    """What was asked, of a long question its last sentences, and what the user said."""
    asked = question
    while len(asked) > _ASKED_CHARS and len(said_in := sentences(asked)) > 1:
        asked = " ".join(said_in[1:])
    text = f"{clip(asked, chars=_ASKED_CHARS)} → {clip(said, chars=120)}" if asked else clip(said, chars=240)
    return item_of(turn, text, ANSWERED, weight=2.0)


def _order(line: Line, turn: Turn) -> Line:
    step = item_of(turn, clip(turn.prompt.text, chars=_STEP_CHARS), "newest request", names=turn.prompt.names)
    return after_work(replace(line, step=step, step_waits=True), turn, "order")


_MOVES: Final = {
    "light": _light,
    "paste": _paste,
    "consent": _consent,
    "answer": _answer,
    "order": _order,
}


def _agreed(line: Line, turn: Turn) -> tuple[Item, ...]:
    """The offers among what was asked, which the user's word makes the next steps."""
    if not line.questions or not (is_yes(turn.prompt.text) or begins_with_yes(turn.prompt.text)):
        return ()
    return tuple(replace(item, rule="offer the user agreed to") for item in line.questions[-3:])


def _proposed(line: Line, turn: Turn) -> str:
    """What the user's go-ahead is for: what was asked, else what was announced."""
    bare = is_yes(turn.prompt.text) or is_coded(turn.prompt.text)
    if line.questions and (bare or not line.announced):
        return clip(" ".join(dict.fromkeys(item.text for item in line.questions[-2:])), chars=300)
    announced = [item.text for item in line.announced if item.rule not in (LAST_WORDS, NO_RESULT, CLOSING_WORDS)]
    if line.offers and not announced:
        return line.offers[-1].text
    return clip(picked(announced, turn.prompt.text) or "; ".join(announced), chars=300)
