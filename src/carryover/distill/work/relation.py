"""What a prompt is to the work at hand: a new goal, an order, an answer, a go-ahead, or something light.

Told by evidence first: what the agent did in the turn, what the prompt shares with the work, its place and size. A
prompt that nothing distinguishes belongs to the goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from carryover.distill.digest import Turn
from carryover.distill.language import lexicon, outcomes
from carryover.distill.language.announcements import CLOSING_WORDS
from carryover.distill.language.forms import (
    begins_with_yes,
    is_choice,
    is_coded,
    is_no,
    is_question,
    is_yes,
    leading_pick,
    numbered_answers,
    says_yes_but,
)
from carryover.distill.language.names import shared_names, weighty_words
from carryover.distill.language.prose import sentences, word_count
from carryover.distill.language.templates import is_bare
from carryover.distill.work.state import QUESTION, Item, Line
from carryover.text import lazy_re as re

Relation = Literal["goal", "doubtful", "order", "answer", "consent", "paste", "light"]

HEAVY_WORDS: Final = 14
HEAVY_WORDS_WITHOUT_CAPITALS: Final = 10
_WITHOUT_CAPITALS: Final = re.compile(r"[\u4e00-\u9fff\uac00-\ud7af]")
_HEAVY_WORDS_WITH_NAME: Final = 3
_ORDER_WORDS: Final = 5
_ORDER_WORDS_WHEN_ASKED: Final = 7
_CHORE_WORDS: Final = 8
_ANSWER_WORDS: Final = 14
_LONGEST_ANSWER_WORDS: Final = 60
_FEW_WORDS: Final = 4.5
_RESUME_WORDS: Final = 16
_LONG_WORDS: Final = 30
_MIDDLING_WORDS: Final = 10
NEW_GOAL: Final = 2.0
_GOAL_OF_UNKNOWN: Final = 1.25
"""Where a session continued something unknown."""
DOUBTFUL: Final = 0.75
_COMPLAINT_CHARS: Final = 400
_FAULT: Final = re.compile(r"error|exception|bug|fehler|erreur|erro\b|errore|ошибк|エラー|错误|报错|오류|에러", re.I)
_PATHS: Final = re.compile(r"[/\\`_]|\.\w{1,5}\b")


def is_heavy(turn: Turn) -> bool:
    """The prompt says enough to stand for itself: a name and three words, or fourteen words."""
    prompt = turn.prompt
    enough = HEAVY_WORDS_WITHOUT_CAPITALS if _WITHOUT_CAPITALS.search(prompt.text) else HEAVY_WORDS
    return prompt.words >= enough or (bool(prompt.names) and prompt.words >= _HEAVY_WORDS_WITH_NAME)


def says_something(turn: Turn) -> bool:
    """Three words or more that neither agree nor only say to continue: its turn shows what it is."""
    prompt = turn.prompt
    return (
        prompt.words >= _HEAVY_WORDS_WITH_NAME
        and not begins_with_yes(prompt.text)
        and not is_resuming(turn, first=True)
    )


def asks_for_something(turn: Turn) -> bool:
    """A question, a command or words that say something: more than a go-ahead or thanks."""
    prompt = turn.prompt
    return prompt.asks or bool(prompt.command) or is_heavy(turn) or says_something(turn)


def worked(turn: Turn) -> bool:
    """The agent did more than look, commit, test or chat: by its calls, or by what it reported."""
    if turn.changed or turn.edited:
        return True
    if turn.end != "answered":
        return bool(turn.end and (turn.looked or turn.chores) and not is_chore(turn))
    report = turn.report
    return report is not None and bool(report.sentences >= 2 or report.announced or report.asked) and not is_chore(turn)


def is_chore(turn: Turn) -> bool:
    """Commit, push, run the tests, list: only such calls, a sentence of report, few words that name nothing."""
    prompt, report = turn.prompt, turn.report
    if turn.changed or turn.edited or prompt.words > _CHORE_WORDS or _PATHS.search(prompt.text):
        return False
    if turn.end != "answered" and prompt.names:
        return False
    if not turn.chores and not (turn.looked and not prompt.names):
        return False
    return report is None or (report.sentences <= 1 and not report.asked)


def relation_of(turn: Turn, line: Line | None, *, first: bool) -> Relation:
    """What the turn's prompt is to `line`. `first`: it opens its session."""
    prompt = turn.prompt
    if not prompt.text:
        return "paste" if prompt.pasted and line is not None else "light"
    if is_resuming(turn, first=first):
        return "consent" if worked(turn) else "light"
    if line is None:
        return _opening(turn)
    if line.questions and _has_form_of_answer(turn) and _answers(turn, line):
        return "answer"
    if _is_side_question(turn) or is_chore(turn):
        return "light"
    if _answers(turn, line):
        return "answer"
    if is_heavy(turn):
        return "light" if _came_to_nothing(turn) else _heavy(turn, line, first=first)
    if prompt.pasted:
        return "paste"
    begins = (
        first
        and turn.number == 1
        and says_something(turn)
        and (worked(turn) or (turn.end != "answered" and _is_request(turn)))
    )
    if begins:
        return _heavy(turn, line, first=first)
    if not worked(turn):
        return "order" if _is_unheard_request(turn, line) else "light"
    if prompt.command or _asks_for_something_else(turn, line):
        return "order"
    asked = bool(line.questions or line.announced)
    enough = prompt.words >= (_ORDER_WORDS_WHEN_ASKED if asked else _ORDER_WORDS)
    return "order" if enough and not first and turn.edited and not begins_with_yes(prompt.text) else "consent"


def _opening(turn: Turn) -> Relation:
    """The first line of work of all: three words that neither ask nor agree are a goal until a longer one comes."""
    if turn.prompt.command and (turn.changed or turn.edited):
        return "goal"
    chore = turn.end == "answered" and is_chore(turn)  # work begins with looking around, too
    if is_heavy(turn) and not chore:
        return "goal"
    if turn.prompt.pasted:
        return "goal"
    return "light" if chore or turn.prompt.asks or not says_something(turn) else "goal"


def brings_a_request(turn: Turn) -> bool:
    """Long enough to ask for something, in words that neither ask, agree nor speak of continuing."""
    return _is_request(turn) and says_something(turn) and lexicon.RESUME.search(turn.prompt.text) is None


def is_resuming(turn: Turn, *, first: bool) -> bool:
    """Few words that say to continue and name nothing."""
    prompt = turn.prompt
    short = prompt.words <= (_RESUME_WORDS if first else _ORDER_WORDS)
    return short and not prompt.names and lexicon.RESUME.search(prompt.text) is not None


def _came_to_nothing(turn: Turn) -> bool:
    """A prompt that only a name makes heavy, answered in a sentence and without a single call: thanks, a greeting."""
    report = turn.report
    prompt = turn.prompt
    if turn.end != "answered" or report is None or _PATHS.search(prompt.text) or prompt.words >= _MIDDLING_WORDS:
        return False
    did = turn.looked or turn.changed or turn.chores or turn.edited
    return not (did or report.sentences > 1 or report.announced or report.asked)


def _asks_for_something_else(turn: Turn, line: Line) -> bool:
    """Few words of praise or consent and then a polite request that has nothing to do with what was proposed."""
    said = sentences(turn.prompt.text)
    request = next((one for one in said if lexicon.REQUEST.search(one) and not begins_with_yes(one)), "")
    words = weighty_words(request)
    proposed = (*line.questions, *line.announced, *line.offers)
    return bool(words) and not any(words & weighty_words(item.text) for item in proposed)


def _is_unheard_request(turn: Turn, line: Line) -> bool:
    """Nothing came of the newest prompt yet, and by its length and form it asks for something."""
    if turn.end or turn.looked or turn.chores or turn.doing or line.questions:
        return False
    return _is_request(turn) and says_something(turn) and not only_rules(turn.prompt.text)


def _is_request(turn: Turn) -> bool:
    """Long enough to ask for something, and does not ask in words."""
    return turn.prompt.words >= _ORDER_WORDS and not turn.prompt.asks


def _is_side_question(turn: Turn) -> bool:
    """Asks, and got an answer in words, whatever was run to find it. A question at work is not known yet for what it
    is, and one that asks for work by its form is a request."""
    prompt = turn.prompt
    if turn.edited:
        return False
    if turn.end != "answered":
        return prompt.asks and not is_heavy(turn) and not turn.changed
    said = sentences(prompt.text)
    if lexicon.REQUEST.search(prompt.text) and is_heavy(turn):
        return False
    if prompt.words <= _LONG_WORDS:
        return any(is_question(one) for one in (*said[:1], *said[-1:]))
    return 2 * sum(1 for one in said if is_question(one)) > len(said)


def _has_form_of_answer(turn: Turn) -> bool:
    text = turn.prompt.text
    return is_choice(text) or is_yes(text) or is_no(text)


def _answers(turn: Turn, line: Line) -> bool:
    """A short reply to what was asked, that names nothing the question did not, and on which the agent acted; or one of
    some length that begins with one of the choices."""
    prompt = turn.prompt
    if prompt.asks or prompt.command or prompt.pasted:
        return False
    if not line.questions:
        return _picks_unasked(turn, line)
    if prompt.words <= _LONGEST_ANSWER_WORDS:
        if picked(line.questions[-1].options, prompt.text):
            return True
        if len(line.questions) > 1 and numbered_answers(prompt.text):
            return True
    asked_words = frozenset().union(*(weighty_words(f"{q.text} {' '.join(q.options)}") for q in line.questions))
    if prompt.words <= _LONG_WORDS and _opens_with_answer(prompt.text, line.questions):
        return True
    if prompt.words > _ANSWER_WORDS:
        return False
    if says_yes_but(prompt.text):
        return True
    acted = bool(turn.looked or turn.changed or turn.chores)
    on_subject = _has_form_of_answer(turn) and bool(weighty_words(prompt.text) & asked_words)
    if turn.end == "answered" and not (acted or worked(turn) or on_subject):
        return False
    if is_coded(prompt.text):
        return True
    asked = [name for question in line.questions for name in question.names]
    if any(not shared_names((name,), asked) and not weighty_words(name) & asked_words for name in prompt.names):
        return False
    by_form = _has_form_of_answer(turn) or bool(weighty_words(prompt.text) & asked_words)
    return by_form or (acted and turn.end == "answered" and prompt.words <= _FEW_WORDS)


def _picks_unasked(turn: Turn, line: Line) -> bool:
    """It begins with a choice out of a list that was not asked about: "2, but …" or "B first", not "2 more things"."""
    prompt = turn.prompt
    if prompt.words > _LONGEST_ANSWER_WORDS or not _CLEAR_PICK.match(prompt.text):
        return False
    return bool(picked(line.choices, prompt.text))


def _opens_with_answer(text: str, questions: Sequence[Item]) -> bool:
    """Its first clause is of few words, all of one question: "per key. and scrap the cache" of "per key or per IP?"."""
    head = _FIRST_CLAUSE.match(text)
    if head is None or word_count(head[1]) > _FEW_WORDS or len(head[0]) == len(text):
        return False
    words = set(_WORD.findall(head[1].casefold()))
    asked = [f"{question.text} {' '.join(question.options)}".casefold() for question in questions]
    if _WITHOUT_SPACES.search(head[1]):
        return any(head[1].strip() in one for one in asked)
    return any(words <= set(_WORD.findall(one)) for one in asked)


_WORD: Final = re.compile(r"\w+")
_WITHOUT_SPACES: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_CLEAR_PICK: Final = re.compile(
    r"\W{0,3}(?:(?:option|variante?|вариант|选项?|案) ?\w{1,2}(?!\w)|(?:\d{1,2}|[a-hA-H])(?:[).,:;]+\s|\W*$)|[B-H]\s)"
)
_FIRST_CLAUSE: Final = re.compile(r"\s*([^.,;:!?\n。，；：！？]{2,40})[.,;:!\n。，；：！]\s*")


def picked(options: Sequence[str], text: str) -> str:
    """The options that letters or numbers name, where a text is no more than that or begins with one."""
    if is_coded(text):
        picks = re.findall(r"(?<!\w)(?:[a-zA-Z]|\d{1,2})(?!\w)", text)
    else:
        picks = [pick for pick in (leading_pick(text),) if pick]
    return "; ".join(option for pick in picks if (option := _option(options, pick)))


def _option(options: Sequence[str], pick: str) -> str:
    """The option that begins with this letter or number, else the one in that place."""
    marked = (option for option in options if re.match(rf"\W*{re.escape(pick)}\b", option, re.I))
    place = int(pick) - 1 if pick.isdigit() else ord(pick.casefold()) - ord("a")
    return next(marked, options[place] if 0 <= place < len(options) else "")


def _heavy(turn: Turn, line: Line, *, first: bool) -> Relation:
    if line.goal is None:
        return "goal" if new_goal_score(turn, line, first=first) >= _GOAL_OF_UNKNOWN else "order"
    if is_bare(turn.prompt.text):
        return "order"
    score = new_goal_score(turn, line, first=first)
    if score >= NEW_GOAL:
        return "goal"
    if score >= DOUBTFUL and (line.former_goal is None or score > line.doubt):
        return "doubtful"
    return "order"


def new_goal_score(turn: Turn, line: Line, *, first: bool) -> float:
    """How much speaks for a new goal, rather than a step of the line's. From 2 on it is one."""
    prompt = turn.prompt
    if line.goal_is_weak and prompt.words > line.goal_words and not only_rules(prompt.text):
        return NEW_GOAL
    if line.goal is not None and line.goal.rule == QUESTION and turn.edited and not (line.files or line.step):
        return NEW_GOAL  # the work that the question was asked for
    if _begins_from_link(turn, line):
        return NEW_GOAL
    score = _length_score(prompt.words)
    if first:
        score += 2.5 if prompt.words < _MIDDLING_WORDS else 1.0
    context = _context(line)
    names = {name for item in context for name in item.names} | set(line.reported)
    common = shared_names(prompt.names, names)
    score += 0.5 if not common else -min(2.0, 0.8 * common)
    words = weighty_words(prompt.text)
    known = frozenset().union(*(weighty_words(item.text) for item in context)) if context else frozenset()
    if words and len(words & known) > 0.3 * len(words):
        score -= 0.4
    switches = _turns_to_something_else(prompt.text)
    score += 1.5 * switches + 0.5 * bool(turn.accepted_plan)
    if turn.edited and line.files:
        shared = {path.rpartition("/")[2] for path in turn.edited} & set(line.files)
        score += -0.5 if shared else 0.25
    asked = frozenset().union(*(weighty_words(f"{q.text} {' '.join(q.options)}") for q in line.questions))
    if line.questions and not switches:  # what comes right after a question mostly answers it, at whatever length
        score -= 1.5 if len(words & asked) >= 2 else 0.5
    # What follows a stop mostly says what to do instead, in words of switching too.
    score -= (1.5 if switches else 0.5) * line.interrupted
    score -= 0.75 * (not first and not switches and begins_with_yes(prompt.text))  # what was done is right so far
    # Two agents at work at the same time are not at the same work.
    score += 1.0 * (first and line.at_ms > turn.at_ms)
    score -= 1.0 * bool(prompt.pasted)
    score -= 0.75 * only_rules(prompt.text)
    return score


_LINK: Final = re.compile(r"\bhttps?://(?!localhost\b|\d|\[)[^\s/:]+\.[a-z]{2,}[^\s)>\]]*", re.I)


def _begins_from_link(turn: Turn, line: Line) -> bool:
    """A request of work by a link that the work did not know, right after all that was asked has been done: a short
    step would name something of that work."""
    text = turn.prompt.text
    if not turn.edited or line.step_waits or line.interrupted or line.questions or turn.prompt.pasted:
        return False
    if any(item.rule != CLOSING_WORDS for item in line.announced) or not _LINK.search(text):
        return False
    if begins_with_yes(text) or lexicon.STILL.search(text) or outcomes.FAILURE.search(text):
        return False
    context = [*_context(line), *line.offers]
    known = {name for item in context for name in item.names} | set(line.reported) | set(line.files)
    if shared_names(turn.prompt.names, known):
        return False
    return not weighty_words(_LINK.sub(" ", text)) & frozenset().union(*(weighty_words(item.text) for item in context))


_LENGTHS: Final = ((80, 2.0), (30, 1.5), (20, 1.25), (14, 0.5), (9, -0.25))


def _length_score(words: float) -> float:
    """Requests that begin something are longer than steps."""
    return next((score for least, score in _LENGTHS if words >= least), -1.5)


def _context(line: Line) -> list[Item]:
    return [item for item in (line.goal, line.step, *line.questions, *line.announced) if item is not None]


_HEAD: Final = re.compile(r"^((?:[^.:!\n。：！]|[.:](?=\S)){2,60})(?:[.:!]\s|[。：！])\s*(\S.*)", re.S)
_HEAD_WORDS: Final = 10


def _turns_to_something_else(text: str) -> float:
    """Words of switching, most of all in a short head before the request itself ("New task. ...")."""
    head = _HEAD.match(text)
    led_by_head = head is not None and word_count(head[1]) <= _HEAD_WORDS and word_count(head[2]) >= 4
    if lexicon.SWITCH.search(text[:90]):
        return 1.6 if head is not None and led_by_head and lexicon.SWITCH.search(head[1]) else 1.0
    if head is None or begins_with_yes(head[1]):
        return 0.0
    short = word_count(head[1]) <= 4 and word_count(head[2]) > 2 * word_count(head[1])
    return 0.6 if short else 0.0


def complains_again(text: str) -> bool:
    """A sentence near its beginning says that what was wrong still is. Who asks or guesses does not say so."""
    return any(
        lexicon.STILL.search(one)
        and not (is_question(one) or lexicon.HEDGE.search(one))
        and (outcomes.FAILURE.search(one) or lexicon.NEGATION.search(one) or _FAULT.search(one))
        for one in sentences(text[:_COMPLAINT_CHARS])
    )


def only_rules(text: str) -> bool:
    """Obligation or negation in at most two sentences: it says how, not what."""
    said = sentences(text)
    return 0 < len(said) <= 2 and all(lexicon.OBLIGATION.search(one) or lexicon.NEGATION.search(one) for one in said)
