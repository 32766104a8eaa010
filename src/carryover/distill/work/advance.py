"""How a turn moves the lines of work. A pure step from state to state, the same whether turns come one by one or all at
once.

Nothing is closed by a prompt alone: what was asked and announced stays until the turn has worked, except by an answer
that has the form of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import Turn
from carryover.distill.language.announcements import CLOSING_WORDS, LIST_AHEAD, LIST_AT_END
from carryover.distill.language.forms import begins_with_yes, is_coded, is_yes
from carryover.distill.language.names import shared_names, weighty_words
from carryover.distill.language.prose import Quote, one_line
from carryover.distill.language.report import Report
from carryover.distill.language.rules import LASTING
from carryover.distill.language.templates import is_bare
from carryover.distill.work.relation import (
    HEAVY_WORDS,
    Relation,
    complains_again,
    is_heavy,
    is_resuming,
    new_goal_score,
    only_rules,
    relation_of,
    says_something,
    worked,
)
from carryover.distill.work.state import (
    AGREED,
    ANSWERED,
    CUT_OFF,
    LAST_WORDS,
    MOST_DEAD_ENDS,
    MOST_FILES,
    MOST_FINDINGS,
    MOST_LINES,
    MOST_LOOSE_ENDS,
    MOST_RULES,
    NO_RESULT,
    PLAN_ACCEPTED,
    REFUTED,
    Item,
    Line,
    WorkState,
)
from carryover.distill.work.turn_text import with_text_read

_MOST_SESSIONS: Final = 24
_SURE_OF_CAUSE: Final = 2.0
_GOAL_CHARS: Final = 600
_STEP_CHARS: Final = 400


def advance(state: WorkState, turn: Turn) -> WorkState:
    """The state after `turn`, which may still run."""
    first = turn.session not in state.sessions
    line = state.line_of(turn.session) or state.lead
    turn = with_text_read(turn)
    if turn.number == 1 and line is not None and _is_protocol(turn, line):
        return state
    relation = relation_of(turn, line, first=first)
    if relation == "goal":
        return _on_line(state, turn, _work(_new_line(turn, line), turn, relation), moved=True)
    if line is None:
        # Work on something that was asked for elsewhere opens a line without a goal; talk opens none.
        opened = Line(id=_line_id(turn))
        return _on_line(state, turn, _consent(opened, turn), moved=True) if turn.changed or turn.edited else state
    if relation == "doubtful":
        new = _doubtful_line(turn, line, new_goal_score(turn, line, first=first))
        return _on_line(state, turn, _work(new, turn, "goal"), moved=True)
    return _on_line(state, turn, _MOVES[relation](line, turn), moved=relation != "light")


def _line_id(turn: Turn) -> str:
    return f"{turn.session}:{turn.number}"


def _is_protocol(turn: Turn, line: Line) -> bool:
    """The first turn of a later session that only says where things stand and asks whether to go on. A question with
    a name in it that the work does not know is a real one."""
    report = turn.report
    if (is_heavy(turn) and not is_resuming(turn, first=True)) or turn.changed or turn.edited or report is None:
        return False
    known = {name for item in (line.goal, line.step, *line.questions, *line.announced) if item for name in item.names}
    known.update(line.reported)
    new = [one for one in report.asked if one.names and not shared_names(one.names, known)]
    return not new and bool(report.asks_to_go_on or report.asked)


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
    return WorkState(lines=lines[:MOST_LINES], sessions=sessions)


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
    """A line with this goal. Where the goal before was only an opening, it goes on with what was decided under it."""
    text = turn.prompt.text or turn.prompt.pasted
    rule = "first request" if before is None else "request that begins something new"
    new = Line(
        id=_line_id(turn),
        goal=_item(turn, clip(text, chars=_GOAL_CHARS), rule, names=turn.prompt.names),
        goal_words=0 if is_bare(turn.prompt.text) else turn.prompt.words,
        goal_is_weak=is_bare(turn.prompt.text) or not (is_heavy(turn) or worked(turn)),
    )
    if before is None or not before.goal_is_weak or before.step is not None or not _is_open_to(before, turn):
        return new
    return replace(before, goal=new.goal, goal_words=new.goal_words, goal_is_weak=new.goal_is_weak)


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
    told = goal is not None and (line.goal_words >= HEAVY_WORDS or bool(goal.names))
    return told or bool(line.announced or line.questions or line.step_waits)


# ---- moves on a line


def _light(line: Line, turn: Turn) -> Line:
    """Keeps all; what the answer announces comes in front of what was announced before."""
    report = turn.report
    if report is None:
        return replace(line, unanswered=_unanswered(turn) or line.unanswered)
    announced = _items(turn, report.announced)
    known = {item.text for item in announced}
    kept = tuple(item for item in line.announced if item.text not in known)
    decides = only_rules(turn.prompt.text) and not turn.prompt.asks
    asked = _asked(turn, report)
    return replace(
        line,
        announced=(*announced, *kept)[:3] if not decides else line.announced,
        questions=(*line.questions, *(item for item in asked if item.text not in {q.text for q in line.questions}))[
            -3:
        ],
        dead_ends=_added(line.dead_ends, _items(turn, (*turn.dead_ends, *report.dead_ends)), MOST_DEAD_ENDS),
        rules=_with_rules(line, turn, least=1.5 if decides else LASTING),
        findings=_added(
            line.findings,
            [item for item in _items(turn, report.findings) if item.names and item.weight >= 2],
            MOST_FINDINGS,
        ),
    )


def _paste(line: Line, turn: Turn) -> Line:
    return _work(line, turn, "paste")


def _consent(line: Line, turn: Turn) -> Line:
    """The step is what was proposed, without the words that agreed to it."""
    proposed = _proposed(line, turn)
    picks = weighty_words(turn.prompt.text) & weighty_words(" ".join(item.text for item in line.announced))
    unclear = turn.end != "answered" and says_something(turn) and not picks
    keeps = (line.step is not None and line.step_waits) or unclear
    step = _item(turn, proposed, AGREED) if proposed and not keeps else line.step
    if turn.accepted_plan:
        step = _item(turn, turn.accepted_plan, PLAN_ACCEPTED)
    after = replace(
        line,
        step=step,
        step_waits=not worked(turn),
        announced=_agreed(line, turn) or line.announced,
    )
    return _work(after, turn, "consent")


def _answer(line: Line, turn: Turn) -> Line:
    text = one_line(turn.prompt.text)
    asked = line.questions[-1]
    question = " ".join(dict.fromkeys(item.text for item in line.questions[-2:]))
    chosen = _chosen(asked.options, text)
    said = f"{text} ({chosen})" if chosen else text
    decided = _item(turn, f"{clip(question, chars=170)} → {clip(said, chars=120)}", ANSWERED, weight=2.0)
    step = _item(turn, f'Answered "{clip(said, chars=120)}" to: {clip(question, chars=240)}', ANSWERED)
    keeps_step = line.step is not None and line.step_waits
    after = replace(
        line,
        step=line.step if keeps_step else step,
        questions=(),
        announced=(_agreed(line, turn) if begins_with_yes(text) else ()) or line.announced,
        rules=(*line.rules, decided)[-MOST_RULES:],
    )
    return _work(after, turn, "answer")


def _order(line: Line, turn: Turn) -> Line:
    step = _item(turn, clip(turn.prompt.text, chars=_STEP_CHARS), "newest request", names=turn.prompt.names)
    return _work(replace(line, step=step, step_waits=True), turn, "order")


_MOVES: Final = {
    "light": _light,
    "paste": _paste,
    "consent": _consent,
    "answer": _answer,
    "order": _order,
}


# ---- what work does to a line


def _work(line: Line, turn: Turn, relation: Relation) -> Line:
    """What the turn's work and report leave behind."""
    line = _refuted(line, turn)
    line = replace(
        line,
        rules=_with_rules(line, turn, least=_LEAST_WEIGHT.get(relation, 0.0)),
        files=tuple(dict.fromkeys((*line.files, *(path.rpartition("/")[2] for path in turn.edited))))[-MOST_FILES:],
        interrupted=turn.end == "interrupted",
        dead_ends=_added(line.dead_ends, _items(turn, turn.dead_ends), MOST_DEAD_ENDS),
        findings=_added(line.findings, _items(turn, turn.findings), MOST_FINDINGS),
        loose_ends=_added(line.loose_ends, _items(turn, turn.loose_ends), MOST_LOOSE_ENDS),
    )
    if turn.end == "answered":
        return _ended(line, turn, turn.report or Report(), relation)
    return _cut(line, turn, relation)


def _ended(line: Line, turn: Turn, report: Report, relation: Relation) -> Line:
    acted = bool(turn.looked or turn.changed or turn.chores or turn.edited)
    # A bare acknowledgement of a rule ends nothing.
    done = relation == "answer" or worked(turn) or is_heavy(turn)
    done = done and (acted or report.sentences > 1 or not only_rules(turn.prompt.text))
    left = _not_taken_up(line, turn, report) if done and relation in ("order", "goal") else ()
    announced = _items(turn, report.announced)
    asked = _asked(turn, report)
    return replace(
        line,
        step_waits=line.step_waits and not done,
        unanswered=None if done else line.unanswered,
        announced=announced if done or (announced and not only_rules(turn.prompt.text)) else line.announced,
        questions=asked if done or asked else line.questions,
        dead_ends=_added(line.dead_ends, _items(turn, report.dead_ends), MOST_DEAD_ENDS),
        findings=_added(_standing_findings(line, turn, report), _items(turn, report.findings), MOST_FINDINGS),
        loose_ends=_added(line.loose_ends, _items(turn, report.loose_ends), MOST_LOOSE_ENDS),
        postponed=(*line.postponed, *left)[-2:] if relation in ("order", "goal") else () if done else line.postponed,
        reported=report.names,
    )


def _standing_findings(line: Line, turn: Turn, report: Report) -> tuple[Item, ...]:
    """What was taken for the cause on the way has been overtaken where the report says what it was in the end."""
    if not report.findings:
        return line.findings
    return tuple(item for item in line.findings if (item.session, item.turn) != (turn.session, turn.number))


def _refuted(line: Line, turn: Turn) -> Line:
    """Where the user says that the fault is still there, what the turn before took for its cause was not."""
    if not complains_again(turn.prompt.text):
        return line
    place = (turn.session, turn.number - 1)
    wrong = [item for item in line.findings if (item.session, item.turn) == place]
    refuted = [
        replace(item, text=f"{clip(item.text, chars=170)} → the user says that the fault is still there", rule=REFUTED)
        for item in sorted(wrong, key=lambda item: -item.weight)[:1]
        if item.weight >= _SURE_OF_CAUSE
    ]
    return replace(
        line,
        findings=tuple(item for item in line.findings if item not in wrong),
        dead_ends=_added(line.dead_ends, refuted, MOST_DEAD_ENDS),
    )


def _asked(turn: Turn, report: Report) -> tuple[Item, ...]:
    return tuple(_item(turn, one.text, one.rule, names=one.names, options=one.options) for one in report.asked)


def _not_taken_up(line: Line, turn: Turn, report: Report) -> tuple[Item, ...]:
    """What a list announced before the user asked for something else, as far as the report does not come back to it.
    A sentence that sounded like an announcement is not sure enough to be kept for that long."""
    known = {*report.names, *turn.prompt.names, *(path.rpartition("/")[2] for path in turn.edited)}
    return tuple(
        item
        for item in line.announced[:2]
        if item.rule in (LIST_AHEAD, LIST_AT_END)
        if item.names and shared_names(item.names, known) < len(item.names)
    )


def _cut(line: Line, turn: Turn, relation: Relation) -> Line:
    """Cut off, or still at work: what it was just doing comes before what was announced earlier."""
    doing = [_item(turn, turn.doing, LAST_WORDS)] if turn.doing else []
    if turn.in_flight:
        text = f"In flight when it stopped, no result recorded: `{turn.in_flight.replace('`', '')}`"
        doing.append(_item(turn, text, NO_RESULT))
    if not turn.doing and relation in ("goal", "order"):
        text = (
            f"{'Go on with' if turn.changed or turn.looked else 'Begin'}: {clip(one_line(turn.prompt.text), chars=160)}"
        )
        doing.append(_item(turn, text, CUT_OFF))
    began = bool(turn.changed or turn.edited)
    return replace(
        line,
        announced=(*doing, *(() if began and relation in ("order", "goal") and turn.doing else line.announced))[:3],
        step_waits=line.step_waits or relation in ("order", "consent"),
        unanswered=_unanswered(turn) or line.unanswered,
    )


def _unanswered(turn: Turn) -> Item | None:
    """The user's own question, while nobody has answered it."""
    if not turn.prompt.asks:
        return None
    return _item(turn, clip(one_line(turn.prompt.text), chars=300), "question of the user without an answer")


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
    return clip(_chosen(announced, turn.prompt.text) or "; ".join(announced), chars=300)


def _chosen(options: Sequence[str], text: str) -> str:
    """The options that letters or numbers name."""
    picked = re.findall(r"(?<!\w)(?:[a-zA-Z]|\d{1,2})(?!\w)", text) if is_coded(text) else []
    return "; ".join(option for pick in picked if (option := _option(options, pick)))


def _option(options: Sequence[str], pick: str) -> str:
    """The option that begins with this letter or number, else the one in that place."""
    marked = (option for option in options if re.match(rf"\W*{re.escape(pick)}\b", option, re.I))
    place = int(pick) - 1 if pick.isdigit() else ord(pick.casefold()) - ord("a")
    return next(marked, options[place] if 0 <= place < len(options) else "")


_LEAST_WEIGHT: Final = {"consent": 1.5, "paste": 1.5, "answer": LASTING}


def _with_rules(line: Line, turn: Turn, *, least: float) -> tuple[Item, ...]:
    """The rules of the line with those of the prompt that weigh enough: passing words to agree by decide nothing."""
    new = _items(turn, (rule for rule in turn.rules if rule.weight >= least))
    kept = [rule for rule in line.rules if not any(_replaces(later, rule) for later in new)]
    return (*kept, *new)[-MOST_RULES:]


def _replaces(later: Item, rule: Item) -> bool:
    """Says something else of the same things."""
    if later.text == rule.text:
        return True
    return (
        bool(later.names)
        and len(later.names) == len(rule.names) == shared_names(later.names, rule.names)
        and (len(weighty_words(later.text) & weighty_words(rule.text)) >= 0.6 * len(weighty_words(rule.text)))
    )


def _added(known: tuple[Item, ...], new: Iterable[Item], most: int) -> tuple[Item, ...]:
    """The newest mention of each, the weightiest where room is short, in order of time."""
    merged = {item.text: item for item in (*known, *new)}
    items = list(merged.values())
    if len(items) > most:
        ranked = sorted(items, key=lambda item: (-item.weight, -item.at_ms))[:most]
        items = [item for item in items if item in ranked]
    return tuple(items)


def _items(turn: Turn, quotes: Iterable[Quote]) -> tuple[Item, ...]:
    return tuple(_item(turn, quote.text, quote.rule, names=quote.names, weight=quote.weight) for quote in quotes)


def _item(
    turn: Turn, text: str, rule: str, *, names: tuple[str, ...] = (), options: tuple[str, ...] = (), weight: float = 0.0
) -> Item:
    return Item(
        text=text, at_ms=turn.at_ms, session=turn.session, turn=turn.number, rule=rule,
        names=names, options=options, weight=weight,
    )  # fmt: skip
