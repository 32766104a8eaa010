"""The user's words: the goal, the newest prompt, and those whose names recur in what was done and said since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from carryover.distill.entry import WEIGHTS, Entry, Weight
from carryover.distill.pastes import parts, quoted_prompt, typed_words
from carryover.distill.quotes import earlier, estimated_tokens
from carryover.distill.sections.open_questions import newest_run
from carryover.distill.sections.quoting import from_the_top, from_turn, parted, replying_to
from carryover.distill.subjects import subjects_in
from carryover.distill.trail import Past, Step, goal_of, is_aside, says_something, waiting_prompts
from carryover.distill.view import ProjectView
from carryover.text.pattern import later

_QUEUED_CHARS: Final = 360
_MOST_OF_PASTE: Final = 12
_LONG_TOKENS: Final = 20
"""A shorter prompt in between is shown with the others."""
_NEWEST: Final = 6
"""How many of the newest working turns have their answers and files searched."""
_STANDING: Final = ("newest", "reply since")
_ERROR: Final = later(r"(?m)\b(?:[A-Z]\w*Error|ERROR|FAILED|[Ee]rror:|failed)\b")
_VALUES: Final = later(r"[\W\d_]+")
_LEAST_ALIKE: Final = 24
"""A shorter prompt may be part of another one by chance."""
_MOST_ALIKE: Final = 600
"""A longer prompt is not sent again for the sake of a value."""
_LEAST: Final = 2
"""In how many of these turns a prompt's names must recur."""


def pin_entries(view: ProjectView) -> list[Entry]:
    """Returns what the user pinned, then what the user says is done: the one judgement in a handoff, and a person's."""
    weight = WEIGHTS["pin"].first
    return [
        Entry(text=pin.text, label=label, kind="pin", weight=weight, session=pin.session, at_ms=pin.at_ms)
        for is_done, label in ((False, "Pinned by the user"), (True, "Done, the user says"))
        for pin in view.pins
        if pin.is_done == is_done
    ]


def task_steps(past: Past) -> dict[str, Step]:
    """Returns the turns whose prompts make up the task, by their role in it, without duplicates."""
    mine = [step for step in past.steps if step.view is past.lead and step.turn.prompt]
    chosen: dict[str, Step] = {}
    goal = goal_of(past.lead.digest)
    if goal is not None:  # the newest prompt may send it again
        chosen["goal"] = next(step for step in (mine[-1], *mine) if step.turn.sent == goal.sent)
    found = taken_up([step for step in past.steps if not past.is_beside(step)])
    roles = (
        ("newest", newest_intent(past)),
        ("acted on", [past.main]),
        ("reply since", [step for step in mine[-1:] if not is_aside(step, past.steps)]),
        ("taken up", found[:1]),
        ("taken up before", found[1:]),
    )
    asked = [step for step in past.steps if step.turn.prompt]
    for role, step in ((role, step) for role, steps in roles for step in steps):
        said = _corrected(step, asked)
        if _is_new(said, chosen) and (role in _STANDING or not _is_fixed_log(past, said)):
            chosen[role] = said
    has_long = any(_tokens(step) >= _LONG_TOKENS for step in chosen.values() if step.view is past.lead)
    long = _long(mine) or ([] if has_long else _goals_before(past))
    long = [step for step in long if not _is_fixed_log(past, step) and _corrected(step, asked) is step]
    if new := [step for step in long if _is_new(step, chosen)]:
        chosen["longest"] = max(new, key=lambda step: (min(_tokens(step), 200), step.turn.at_ms))
    return chosen


def newest_intent(past: Past) -> list[Step]:
    """Returns the leading turn, or the newest one before it whose prompt says more than to continue; None without
    one."""
    if says_something(past.newest.turn):
        return [past.newest]
    before = (step for step in past.steps if step.turn.at_ms <= past.newest.turn.at_ms)
    says = [step for step in before if says_something(step.turn)]
    return sorted(says, key=lambda step: step.turn.at_ms)[-1:]


def _is_new(step: Step, chosen: Mapping[str, Step]) -> bool:
    """Whether the turn has a prompt that is none of those chosen, sent again."""
    return step.turn.prompt != "" and step.turn.sent not in (one.turn.sent for one in chosen.values())


def _is_fixed_log(past: Past, step: Step) -> bool:
    """Whether a prompt is little but a paste of failed checks, and tests passed since."""
    is_log = any(is_pasted and _ERROR.search(text) for is_pasted, text in parts(step.turn.prompt))
    run = newest_run(past)
    passed = run is not None and run.run.status == "pass" and run.at_ms > step.turn.last_ms
    return is_log and passed and _tokens(step) < _LONG_TOKENS


def _corrected(step: Step, steps: Iterable[Step]) -> Step:
    """Returns the newest prompt of the session that says the same with other values; the same step without one."""
    own = _without_values(step.turn.prompt)
    if not _LEAST_ALIKE <= len(own) <= _MOST_ALIKE:
        return step
    since = [one for one in steps if one.view is step.view and one.turn.at_ms > step.turn.at_ms]
    again = [one for one in since if own in _without_values(one.turn.prompt)]
    return again[-1] if again else step


@lru_cache(maxsize=512)  # each prompt is compared with all before it, in every handoff
def _without_values(prompt: str) -> str:
    return " ".join(_VALUES.sub(" ", prompt.casefold()).split())


def _tokens(step: Step) -> int:
    return estimated_tokens(typed_words(step.turn.prompt))


def _long(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if _tokens(step) >= _LONG_TOKENS]


def _goals_before(past: Past) -> list[Step]:
    """Returns the goals that a session with only short prompts continues: the long prompts of the newest
    earlier session that has any, or else the first prompt of the newest one that worked."""
    began = past.lead.digest.turns[0].at_ms
    others = (step for step in past.steps if step.view is not past.lead and not past.is_beside(step))
    before = [step for step in others if step.turn.at_ms < began]
    if long := _long(before):
        return [step for step in long if step.view is long[-1].view]
    return [step for step in before if step.digest.worked and step.turn is goal_of(step.digest)][-1:]


def task_entries(past: Past, chosen: Mapping[str, Step]) -> list[Entry]:
    """Returns the prompts that `task_steps` chose, oldest first, then what was typed since."""
    newest = [step.turn for step in newest_intent(past) if len(chosen) > 1 or step.view is not past.lead]
    entries = []
    ordered = sorted(chosen.items(), key=lambda item: item[1].turn.at_ms)
    templates = {step.turn.template: step for _, step in ordered if step.turn.template}
    for role, step in ordered:
        whose = "" if step.view is past.lead else f"{past.agent(step)}, "
        is_first = step.turn is next(turn for turn in step.digest.turns if turn.prompt)
        what = "First prompt" if newest and role == "goal" and is_first else "Prompt"
        if step.turn in newest:
            what = "Newest prompt"
        paste = WEIGHTS["newest paste" if step.turn is past.newest.turn else "paste"]
        entries += _prompt(step, WEIGHTS[role], paste, f"{what} ({whose}{past.place(step)}){replying_to(step)}")
        if templates.get(step.turn.template) is step and not step.turn.is_template:
            weight = WEIGHTS["template"].first + WEIGHTS[role].first
            entries.append(from_turn(step, step.turn.template, "prompt", weight))
    return [*entries, *_typed(past)]


def _prompt(step: Step, weight: Weight, paste: Weight, label: str) -> list[Entry]:
    """Returns the typed words, then what was pasted with them, with each pasted line marked."""
    turn = step.turn
    attached = f" (+{turn.attachments} attached)" if turn.attachments else ""
    typed = "\n…\n".join(text for is_pasted, text in parts(turn.prompt) if not is_pasted)  # around a paste
    entries = from_the_top(parted(step, f"{typed}{attached}".strip(), "prompt", weight, label=label))
    pastes = (text for is_pasted, text in parts(turn.prompt) if is_pasted)
    for text in pastes:
        chars = len(text) + max(0, turn.chars - len(turn.prompt))
        mark = f"pasted, {chars:,} characters"
        if not entries:
            mark = f"{label}, {mark}"
            label = ""
        pasted = paste._replace(first=paste.first + weight.first)
        entries += from_the_top(parted(step, text, "prompt", pasted, label=mark, most=_MOST_OF_PASTE))
    return entries


def _typed(past: Past) -> list[Entry]:
    weight = WEIGHTS["typed"]
    digest = past.lead.digest
    waiting = waiting_prompts(digest)[-weight.most :]
    entries: list[Entry] = []
    for back, one in enumerate(reversed(waiting)):
        ago = earlier(one.at_ms, past.at_ms)
        when = f" ({ago})" if ago else ""
        label = f"Typed while the agent worked{when}"
        text = quoted_prompt(one.text, _QUEUED_CHARS)
        entries = [*parted(past.main, text, "queued prompt", weight.at(back), label=label, at_ms=one.at_ms), *entries]
    return entries


def taken_up(steps: Sequence[Step]) -> list[Step]:
    """Returns the newest prompt whose names recur in later work, and the one whose names recur most. `steps` are in
    order of time."""
    worked = [step for step in steps if step.turn.calls or step.turn.changes][-_NEWEST:]
    after = [(step.turn.at_ms, subjects_in(_done_in(step))) for step in worked]
    known: set[str] = set()
    found: list[tuple[int, Step]] = []
    for step in steps:
        own = subjects_in(typed_words(step.turn.prompt)) - known if step.turn.prompt else frozenset()
        later = (names for at_ms, names in after if at_ms >= step.turn.at_ms) if own else ()
        count = sum(not own.isdisjoint(names) for names in later)
        if count >= _LEAST:
            found.append((count, step))
        known |= own | subjects_in(step.turn.answer)
    if not found:
        return []
    newest = found[-1][1]
    most = max(found, key=lambda counted: counted[0])[1]
    return [newest] if newest is most else [newest, most]


def _done_in(step: Step) -> str:
    paths = (file.path for file in step.digest.touched if file.turn == step.turn.number)
    return " ".join((step.turn.answer, *paths))
