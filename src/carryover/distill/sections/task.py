"""The user's words: the goal, the newest prompt, and the one that was acted on."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from operator import itemgetter
from typing import Final

from msgspec.structs import replace

from carryover.distill.closed_classes import is_list_item, speaks_of_going_on
from carryover.distill.digest import Heard, Pending, Reply, Turn
from carryover.distill.entry import TYPED, Entry, fixed_rank
from carryover.distill.goals import goal_of, says_something
from carryover.distill.pastes import has_machine_line, parts, quoted_prompt, typed_words, without_passed
from carryover.distill.quotes import earlier, estimated_tokens, quoted
from carryover.distill.sections.quoting import from_turn, parted
from carryover.distill.sections.replied_to import replying_to
from carryover.distill.subjects import subjects_in
from carryover.distill.trail import Past, Step, carried_out_by, sessions_since, waiting_prompts, was_committed
from carryover.distill.view import ProjectView
from carryover.facts import DAY_MS

_QUEUED_CHARS: Final = 360
_OWN_CHARS: Final = 1200
_MOST_OF_PASTE: Final = 12
_MOST_TAKEN_UP: Final = 3
_MOST_TYPED: Final = 3
_NEWEST: Final = 12
"""How many of the newest working turns have their answers and files searched."""
_LEAST_AGAIN: Final = 2
_LEAST_TOKENS: Final = 20
"""In how many answers or paths of edited files names of a prompt come again, or how long it is."""
_LONG_TOKENS: Final = 200
_FEW_WORDS: Final = 100
_SEVERAL: Final = 3
"""So long is a prompt that may go on with a list of the one before it, which has so many items."""


def pin_entries(view: ProjectView) -> list[Entry]:
    """Returns what the user pinned, then what the user says is done: the one judgement in a handoff, and a person's."""
    return [
        Entry(text=pin.text, label=label, kind="pin", rank=fixed_rank("pin"), session=pin.session, at_ms=pin.at_ms)
        for is_done, label in ((False, "Pinned by the user"), (True, "Done, the user says"))
        for pin in view.pins
        if pin.is_done == is_done
    ]


def task_steps(past: Past) -> dict[str, list[Step]]:
    """Returns the turns whose prompts make up the task, by their role in it, without duplicates."""
    mine = [step for step in past.steps if step.view is past.lead and step.turn.prompt]
    goal = goal_of(past.lead.digest)
    roles = {
        # the newest prompt may send it again
        "goal": [step for step in (mine[-1:] + mine) if goal is not None and step.turn.sent == goal.sent][:1],
        "newest": newest_intent(past),
        "acted on": [past.main, *_left_off(past)],
        "list before": _list_before(past),
        "goal before": [] if _has_own_task(step.turn.prompt for step in mine) else _goal_before(past),
        "reply since": mine[-1:],
        # short prompts after it reply to it
        "form": [step for step in mine[:1] if step.turn.is_template and says_something(step.turn)],
    }
    known: set[tuple[int, str, str]] = set()
    for role, steps in roles.items():
        roles[role] = [step for step in steps if step.turn.prompt and step.turn.sent not in known]
        known.update(step.turn.sent for step in steps)
    return {**roles, "taken up": _taken_up(past, [*chain.from_iterable(roles.values())])}


def newest_intent(past: Past) -> list[Step]:
    """Returns the leading turn, or the newest one before it whose prompt says more than to continue; None without
    one. Of prompts that got no answer one after the other, since there were errors, the longest: the others ask whether
    it works again."""
    failed = [*takewhile(_got_nothing, (step for step in reversed(past.steps) if step.view is past.lead))]
    orders = [step for step in failed if not step.turn.is_scheduled]
    if orders and any(step.turn.end == "error" for step in failed):
        return [max(orders, key=lambda step: step.turn.chars)]
    if says_something(past.newest.turn):
        return [past.newest]
    before = (step for step in past.steps if step.turn.began <= past.newest.turn.began)
    says = [step for step in before if says_something(step.turn)]
    return sorted(says, key=lambda step: step.turn.began)[-1:]


def _left_off(past: Past) -> list[Step]:
    """Returns the turn of the newest work if it was cut off, and the newest prompt got no answer either."""
    cut_off = past.work is not None and past.work.turn.end != "answered" and past.main.turn.end != "answered"
    return [past.work] if past.work is not None and cut_off and past.work.view is past.lead else []


def _got_nothing(step: Step) -> bool:
    return step.turn.end in ("", "error") and not (step.turn.calls or step.turn.said)


def _list_before(past: Past) -> list[Step]:
    """Returns the turn whose prompt lists what a newest prompt of few words goes on with, such as "all the remaining
    ones": the newest before it that says something."""
    if past.newest.turn.chars > _FEW_WORDS:
        return []
    said = (step for step in reversed(past.steps) if step.view is past.lead and says_something(step.turn))
    before = next((step for step in said if step.turn.number < past.newest.turn.number), None)
    return [before] if before is not None and _lists(before.turn) else []


def _lists(turn: Turn) -> bool:
    """Whether a prompt lists several things to do."""
    return sum(map(is_list_item, typed_words(turn.prompt).splitlines())) >= _SEVERAL


def _goal_before(past: Past) -> list[Step]:
    """Returns the goal that a session of short prompts continues: the newest one before that is long or led to work."""
    began = past.lead.digest.turns[0].at_ms
    stated = {id(goal_of(session.digest)) for session in past.view.sessions}
    before = (step for step in past.steps if step.turn.at_ms < began and not past.is_beside(step))
    goals = (step for step in before if id(step.turn) in stated and says_something(step.turn))
    return [step for step in goals if step.digest.worked or _is_long(step.turn.prompt)][-1:]


def _is_long(prompt: str) -> bool:
    return estimated_tokens(typed_words(prompt)) >= _LEAST_TOKENS


def _has_own_task(prompts: Iterable[str]) -> bool:
    """Whether a session has a task of its own: one of its prompts is long, or the first has a pasted plan or error and
    does not ask to continue."""
    first, *others = (*prompts, "")
    is_paste = typed_words(first) != first and not speaks_of_going_on(first[:_FEW_WORDS])
    return is_paste or any(map(_is_long, (first, *others)))


def _taken_up(past: Past, chosen: Sequence[Step]) -> list[Step]:
    """Returns for each session the turn whose prompt brought up what most work since is about, or is long, and has
    something that no prompt chosen before has. What else was asked stands under What the user said: most is done."""
    known = {name for step in chosen for name in subjects_in(step.turn.prompt)}
    best: dict[str, Step] = {}
    for _, step in sorted(_ranked(past), key=itemgetter(0), reverse=True):
        own = subjects_in(step.turn.prompt)
        if step.view.session not in best and not own <= known:
            known |= own
            best[step.view.session] = step
    return [*best.values()][:_MOST_TAKEN_UP]


def _may_be_open(past: Past, step: Step, began_ms: int, *, continues: bool) -> bool:
    """Whether what the turn was asked may be the task of the leading session, which `began_ms`, too: if that one
    `continues` what was asked before, or if the turn was cut off. What was asked more than a day before it began, was
    left for work in other sessions, or was committed since, is most likely done."""
    if step.view is past.lead:
        return True
    if began_ms - step.turn.last_ms > DAY_MS:
        return False
    if not continues and not _was_cut_off(past, step):
        return False
    since = sessions_since(past, step.turn.last_ms)
    was_done = since > 1 and (past.at_ms - step.turn.last_ms) * since > DAY_MS
    was_done |= was_committed(past, step.turn.last_ms)
    return not was_done


def _was_cut_off(past: Past, step: Step) -> bool:
    """Whether a session ended before it answered this prompt, or a later one that continues it; not if another session
    carries out its plan."""
    last = step.digest.turns[-1]
    if last.end == "answered" or carried_out_by(past, step.digest) is not None:
        return False
    return step.turn is last or _continues(last)


def _continues(turn: Turn) -> bool:
    """Whether a prompt continues what was asked before: it names no task itself, such as a stored prompt without words
    of the user, or asks to continue."""
    is_stored = turn.is_template and not turn.is_scheduled
    return is_stored or not _has_own_task([turn.prompt]) or speaks_of_going_on(turn.prompt[:_FEW_WORDS])


def _ranked(past: Past) -> Iterator[tuple[float, Step]]:
    """Yields the turns with a typed prompt that says more than a newer one of its session, newest first, with ranks:
    how much of the newest work has one of its names, how long it is unless the user stopped it for something
    else, and how many turns came since."""
    done = Counter[str]()
    worked = 0
    since = defaultdict[str, list[frozenset[str]]](list)
    turns = past.lead.digest.turns
    # A turn of what ran before the first prompt, or of a prompt that was sent again, has no prompt.
    first = next((turn for turn in turns if turn.prompt), turns[0])
    continues = _continues(first)
    for turns_since, step in enumerate(reversed(past.steps)):
        if (step.turn.calls or step.turn.changes) and worked < _NEWEST:
            worked += 1
            lasting = (file for file in step.digest.touched if not file.temporary)
            paths = (file.path for file in lasting if file.turn == step.turn.number)
            done.update(subjects_in(" ".join((step.turn.answer, *paths))))
        if not _may_be_open(past, step, first.at_ms, continues=continues):
            continue
        prompt = step.turn.prompt
        own = subjects_in(prompt)
        again = max((done.get(name, 0) for name in own), default=0)
        newer = since[step.view.session]
        length = 0 if _was_dropped(step) else estimated_tokens(prompt) / _LONG_TOKENS
        is_long = step.view is past.lead and _is_long(prompt)
        says_more = (again >= _LEAST_AGAIN or is_long) and says_something(step.turn)
        says_more = says_more and not any(own <= names for names in newer)
        newer.append(own)
        if says_more and _is_typed(step.turn) and not past.is_beside(step):
            yield math.log1p(again) + min(1, length) - math.log1p(turns_since), step


def _was_dropped(step: Step) -> bool:
    """Whether the user stopped a turn and then asked for something, rather than to go on."""
    if step.turn.end != "interrupted":
        return False
    after = next((turn for turn in step.digest.turns if turn.number > step.turn.number), None)
    return after is not None and says_something(after) and not speaks_of_going_on(after.prompt[:_FEW_WORDS])


def _is_typed(turn: Turn) -> bool:
    """Whether nothing of a prompt was pasted, nor looks as if a program had printed it, and it is no template."""
    is_pasted = typed_words(turn.prompt) != turn.prompt or has_machine_line(turn.prompt)
    return not is_pasted and not turn.is_template


def task_entries(past: Past, chosen: Mapping[str, Sequence[Step]]) -> list[Entry]:
    """Returns the prompts that `task_steps` chose, oldest first, then what was typed since. If no user wrote in the
    leading session, what another agent asked comes first."""
    roles = [(role, step) for role, steps in chosen.items() for step in steps]
    newest = [step.turn for step in newest_intent(past) if len(roles) > 1 or step.view is not past.lead]
    entries = []
    ordered = sorted(roles, key=lambda item: item[1].turn.began)
    templates = {step.turn.template: step for _, step in ordered if step.turn.template}
    for role, step in ordered:
        whose = "" if step.view is past.lead else f"{past.agent(step)}, "
        is_first = step.turn is next(turn for turn in step.digest.turns if turn.prompt)
        is_before = any(step.turn.began <= turn.began for turn in newest)
        what = "First prompt" if is_before and role in ("goal", "form") and is_first else "Prompt"
        if step.turn in newest:
            since = chain(step.digest.turns, past.lead.digest.turns)  # it may be of an earlier session than the others
            is_last = not any(turn.prompt for turn in since if turn.began > step.turn.began)
            what = "Newest prompt" if is_last else "Newest task"
        row = "goal before" if role == "taken up" and whose else role
        if role == "newest" and _lists(step.turn):  # its last item is as much the task as its first
            row = "newest list"
        # In the leading session, the first prompt may hold for all that follow it.
        was_left = step.digest.turns[-1].end == "answered" if whose else role == "taken up"
        is_done = was_left and what == "Prompt" and step.turn.end == "answered"
        label = f"{what} ({whose}{past.sent(step)}{', answered' if is_done else ''})"
        label = replying_to(step, label, is_task=True)
        entries += _prompt(step, row, label, leads=step.turn is past.newest.turn)
        if templates.get(step.turn.template) is step and not step.turn.is_template:
            entries.append(from_turn(step, step.turn.template, "prompt", fixed_rank("template")))
    return [*_asked(past), *entries, *_typed(past)]


def orders(past: Past) -> list[Heard]:
    """Returns the first and the newest message of another agent to a session in which no user wrote."""
    heard = past.main.turn.heard
    return [] if past.lead.digest.prompts else list(dict.fromkeys((*heard[:1], *heard[-1:])))


def _asked(past: Past) -> list[Entry]:
    entries: list[Entry] = []
    for message, role in zip(orders(past), ("goal", "newest"), strict=False):
        label = f"Asked by another agent, {quoted(message.sender)} ({past.place(past.main, message.at_ms)})"
        entries += parted(past.main, message.text, "text from outside", role, label=label, at_ms=message.at_ms)
    return entries


def _prompt(step: Step, row: str, label: str, *, leads: bool) -> list[Entry]:
    """Returns the typed words, then what was pasted with them, with each pasted line marked."""
    turn = step.turn
    attached = f" (+{turn.attachments} attached)" if turn.attachments else ""
    typed = "\n…\n".join(text for is_pasted, text in parts(turn.prompt) if not is_pasted)  # around a paste
    words = parted(step, f"{typed}{attached}".strip(), "prompt", row, label=label)
    entries = [replace(entry, alone=TYPED) for entry in words]
    pastes = (text for is_pasted, text in parts(turn.prompt) if is_pasted)
    for text in pastes:
        chars = len(text) + max(0, turn.chars - len(turn.prompt))
        mark = f"{turn.pasted}, {chars:,} characters"
        if not entries:
            mark = f"{label}, {mark}"
            label = ""
        shown = parted(step, without_passed(text), "prompt", "paste", label=mark, most=_MOST_OF_PASTE)
        if leads:  # at its end stands the error, or what is asked on the same line
            shown[-1:] = [replace(entry, rank=fixed_rank("paste")) for entry in shown[-1:]]
        entries += shown
    return entries


def typed_since(past: Past) -> list[Pending | Reply]:
    """Returns the newest words that were typed while the agent worked on the newest prompt, or wait to be taken up."""
    digest = past.lead.digest
    replies = digest.turn.replies if digest.turn is not None else ()
    typed: list[Pending | Reply] = [*(reply for reply in replies if reply.is_added), *waiting_prompts(digest)]
    return typed[-_MOST_TYPED:]


def _typed(past: Past) -> list[Entry]:
    turn = past.lead.digest.turn
    # What was typed into a template's turn is all that says what it is to make (Codex 0.105 with Spec Kit).
    most = _OWN_CHARS if turn is not None and turn.is_template else _QUEUED_CHARS
    entries: list[Entry] = []
    for back, one in enumerate(reversed(typed_since(past))):
        ago = earlier(one.at_ms, past.at_ms)
        when = f" ({ago})" if ago else ""
        label = f"Typed while the agent worked{when}"
        text = quoted_prompt(one.text, most)
        entries = [*parted(past.main, text, "queued prompt", "typed", back, label=label, at_ms=one.at_ms), *entries]
    return entries
