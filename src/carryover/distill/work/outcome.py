"""What a turn leaves on its line of work: what it did, what its report says, and what was cut off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import Turn
from carryover.distill.language import lexicon
from carryover.distill.language.announcements import LIST_AHEAD, LIST_AT_END
from carryover.distill.language.findings import LISTED
from carryover.distill.language.names import shared_names, weighty_words
from carryover.distill.language.prose import Quote, one_line
from carryover.distill.language.report import Report
from carryover.distill.language.rules import LASTING
from carryover.distill.work.relation import Relation, complains_again, is_heavy, only_rules, worked
from carryover.distill.work.state import (
    CUT_OFF,
    LAST_WORDS,
    MOST_DEAD_ENDS,
    MOST_FILES,
    MOST_FINDINGS,
    MOST_LOOSE_ENDS,
    MOST_RULES,
    NO_RESULT,
    REFUTED,
    Item,
    Line,
)

_SURE_OF_CAUSE: Final = 2.0
_MOST_OFFERS: Final = 2
_MOST_QUESTIONS: Final = 4
_OFFER_TURNS: Final = 2
"""After how many more turns nobody comes back to an offer."""
_LEAST_WEIGHT: Final = {"consent": 1.5, "paste": 1.5, "answer": LASTING}


def after_work(line: Line, turn: Turn, relation: Relation) -> Line:
    """What the turn's work and report leave behind."""
    line = _refuted(line, turn)
    line = replace(
        line,
        rules=with_rules(line, turn, least=_LEAST_WEIGHT.get(relation, 0.0)),
        files=tuple(dict.fromkeys((*line.files, *(path.rpartition("/")[2] for path in turn.edited))))[-MOST_FILES:],
        interrupted=turn.end == "interrupted",
        dead_ends=merged(line.dead_ends, items_of(turn, turn.dead_ends), MOST_DEAD_ENDS),
        findings=merged(line.findings, items_of(turn, turn.findings), MOST_FINDINGS),
        loose_ends=merged(line.loose_ends, items_of(turn, turn.loose_ends), MOST_LOOSE_ENDS),
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
    announced = items_of(turn, report.announced)
    asked = questions_of(turn, report)
    return replace(
        line,
        rules=with_new(line.rules, items_of(turn, report.decided)),
        step_waits=line.step_waits and not done,
        unanswered=None if done else line.unanswered,
        announced=announced if done or (announced and not only_rules(turn.prompt.text)) else line.announced,
        questions=_asked_now(line, turn, asked, done=done),
        choices=report.choices,
        dead_ends=merged(line.dead_ends, items_of(turn, report.dead_ends), MOST_DEAD_ENDS),
        findings=merged(_standing_findings(line, turn, report), items_of(turn, report.findings), MOST_FINDINGS),
        loose_ends=merged(line.loose_ends, items_of(turn, _left_open(report, acted=acted)), MOST_LOOSE_ENDS),
        offers=_standing_offers(line, turn, report, relation) if done or report.offers else line.offers,
        postponed=(*line.postponed, *left)[-2:] if relation in ("order", "goal") else () if done else line.postponed,
        reported=report.names,
    )


def _asked_now(line: Line, turn: Turn, asked: tuple[Item, ...], *, done: bool) -> tuple[Item, ...]:
    """The questions of the report, which replace those before, unless the user puts off the answer to these."""
    if lexicon.PUTS_OFF.search(turn.prompt.text) and not turn.prompt.asks:
        known = {item.text for item in asked}
        return (*(item for item in line.questions if item.text not in known), *asked)[-_MOST_QUESTIONS:]
    return asked if done or asked else line.questions


def _left_open(report: Report, *, acted: bool) -> tuple[Quote, ...]:
    """What the report leaves open; of an answer without a single call, not what a list in it describes."""
    return report.loose_ends if acted else tuple(quote for quote in report.loose_ends if quote.rule != LISTED)


def _standing_offers(line: Line, turn: Turn, report: Report, relation: Relation) -> tuple[Item, ...]:
    """What the report offers, and before that what was offered lately and neither taken up nor passed over by a word of
    the user on it."""
    new = items_of(turn, report.offers)
    if relation in ("consent", "answer"):
        return new
    known = {*report.names, *turn.prompt.names}
    kept = (
        item
        for item in line.offers
        if item.session == turn.session and turn.number - item.turn <= _OFFER_TURNS
        if item.names and 2 * shared_names(item.names, known) <= len(item.names)
    )
    return (*kept, *new)[-_MOST_OFFERS:]


def _standing_findings(line: Line, turn: Turn, report: Report) -> tuple[Item, ...]:
    """What was found on the way has been overtaken where the report says what it was in the end; the cause itself only
    where the report names one too."""
    names_cause = any(quote.weight >= _SURE_OF_CAUSE for quote in report.findings)
    if not report.findings:
        return line.findings
    return tuple(
        item
        for item in line.findings
        if (item.session, item.turn) != (turn.session, turn.number)
        or (item.weight >= _SURE_OF_CAUSE and not names_cause)
    )


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
        dead_ends=merged(line.dead_ends, refuted, MOST_DEAD_ENDS),
    )


def questions_of(turn: Turn, report: Report) -> tuple[Item, ...]:
    """The questions that the report asks."""
    return tuple(item_of(turn, one.text, one.rule, names=one.names, options=one.options) for one in report.asked)


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
    doing = [item_of(turn, turn.doing, LAST_WORDS)] if turn.doing else []
    if turn.in_flight:
        text = f"In flight when it stopped, no result recorded: `{turn.in_flight.replace('`', '')}`"
        doing.append(item_of(turn, text, NO_RESULT))
    if not turn.doing and relation in ("goal", "order"):
        text = (
            f"{'Go on with' if turn.changed or turn.looked else 'Begin'}: {clip(one_line(turn.prompt.text), chars=160)}"
        )
        doing.append(item_of(turn, text, CUT_OFF))
    began = bool(turn.changed or turn.edited)
    return replace(
        line,
        announced=(*doing, *(() if began and relation in ("order", "goal") and turn.doing else line.announced))[:3],
        step_waits=line.step_waits or relation in ("order", "consent"),
        unanswered=unanswered_question(turn) or line.unanswered,
    )


def unanswered_question(turn: Turn) -> Item | None:
    """The user's question, while it is unanswered."""
    if not turn.prompt.asks:
        return None
    return item_of(turn, clip(one_line(turn.prompt.text), chars=300), "question of the user without an answer")


def with_rules(line: Line, turn: Turn, *, least: float) -> tuple[Item, ...]:
    """The rules of the line with those of the prompt that weigh enough: passing words to agree by decide nothing."""
    return with_new(line.rules, items_of(turn, (rule for rule in turn.rules if rule.weight >= least)))


def with_new(rules: tuple[Item, ...], new: tuple[Item, ...]) -> tuple[Item, ...]:
    """`rules` and the new ones, without those that these replace; the newest where room is short."""
    if not new:
        return rules[-MOST_RULES:]
    kept = [rule for rule in rules if not any(_replaces(later, rule) for later in new)]
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


def merged(known: tuple[Item, ...], new: Iterable[Item], most: int) -> tuple[Item, ...]:
    """The newest mention of each, the weightiest where room is short, in order of time."""
    merged = {item.text: item for item in (*known, *new)}
    items = [*merged.values()]
    if len(items) > most:
        ranked = sorted(items, key=lambda item: (-item.weight, -item.at_ms))[:most]
        items = [item for item in items if item in ranked]
    return tuple(items)


def items_of(turn: Turn, quotes: Iterable[Quote]) -> tuple[Item, ...]:
    """Items of a turn from what its texts say."""
    if not quotes:  # mostly
        return ()
    return tuple(item_of(turn, quote.text, quote.rule, names=quote.names, weight=quote.weight) for quote in quotes)


def item_of(
    turn: Turn, text: str, rule: str, *, names: tuple[str, ...] = (), options: tuple[str, ...] = (), weight: float = 0.0
) -> Item:
    """An item of a turn, with the rule that found it."""
    return Item(
        text=text, at_ms=turn.at_ms, session=turn.session, turn=turn.number, rule=rule,
        names=names, options=options, weight=weight,
    )  # fmt: skip
