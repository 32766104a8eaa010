"""Earlier prompts, answers and refusals of the user, verbatim."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from carryover.distill.closed_classes import only_replies
from carryover.distill.commands import command_tried
from carryover.distill.digest import Reply, Turn
from carryover.distill.entry import Entry, Rank, fixed_rank
from carryover.distill.goals import is_name, says_something
from carryover.distill.pastes import quoted_prompt
from carryover.distill.quotes import SHORT_REPLY, estimated_tokens, excerpt, in_quotes
from carryover.distill.sections.quoting import from_turn, joined_short, not_alike, parted
from carryover.distill.sections.replied_to import asked_before, replying_to
from carryover.distill.sections.task import typed_since
from carryover.distill.trail import Past, Step, was_left
from carryover.text.harmless import one_line

_CHARS: Final = 230
_REFUSED_CHARS: Final = 80
_OPTION_CHARS: Final = len(", after “") + 12
"""How far two options are compared that were chosen by the same reply."""
_MOST_REFUSED: Final = 3
_MOST_NAMED: Final = 3
"""How many of the calls that were refused together are named."""
_MOST_ALIKE: Final = 12
_MOST_CORRECTED: Final = 8
"""How many lines of corrections come before all else: who interrupts most turns corrects little by it."""
_MOST_CHARS: Final = 1200
_OWN_SHARE_TOKENS: Final = 720
"""A good third of the handoff: long pastes or answers do not crowd out ten short sentences of the user."""


def said_entries(past: Past, of_task: Iterable[Step]) -> list[Entry]:
    """Returns the user's prompts that are not `of_task`, in order of time."""
    every = [(_sent(step), step) for step in past.steps]
    shown = {_sent(step) for step in of_task}
    shown |= {sent for sent, step in every if past.is_beside(step) and step.is_newest}
    newest = {sent: step for sent, step in every if step.turn.prompt and sent not in shown}
    steps = [step for sent, step in every if newest.get(sent) is step]
    corrected = {(id(step.view), step.turn.number + 1) for step in past.steps if _asks_for_correction(step.turn)}
    corrections: list[Entry] = []
    others: list[Entry] = []
    short: list[Entry] = []
    templates = not_alike((step for step in steps if step.turn.is_template), attrgetter("prompt"), 1)
    typed = (step for step in steps if not (step.turn.is_template or _greets(step.turn)))
    own = not_alike(typed, attrgetter("prompt"), _MOST_ALIKE)
    for step in sorted(own, key=lambda step: step.turn.at_ms, reverse=True):
        is_correction = (id(step.view), step.turn.number) in corrected and len(corrections) < _MOST_CORRECTED
        at_its_time = short if only_replies(step.turn.prompt) or _is_bare_name(step) else others
        (corrections if is_correction else at_its_time).extend(_prompt(past, step))
    # What was said after an answer may overturn it.
    ruled = sorted([*_replies(past), *others], key=attrgetter("at_ms"), reverse=True)
    shared = _with_share([*corrections, *ruled, *short])
    named = (entry for step in templates for entry in _prompt(past, step))  # of which nothing is the user's own
    return joined_short(sorted([*shared, *named], key=lambda entry: (entry.at_ms, entry.turn or 0)))


def _sent(step: Step) -> tuple[object, ...]:
    """Returns what identifies a prompt; a short reply is another one to another question or option. The items of menus,
    as `[C] Continue to the next step`, begin alike."""
    is_short = step.turn.chars <= SHORT_REPLY
    return (*step.turn.sent, (asked_before(step) or replying_to(step, "")[:_OPTION_CHARS]) if is_short else "")


def _with_share(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yields the entries; those that fit the user's own share of the handoff are fixed, the first of them longest."""
    room = _OWN_SHARE_TOKENS
    for place, entry in enumerate(entries):
        room -= estimated_tokens(entry.shown)
        yield replace(entry, rank=entry.rank or fixed_rank("own share", back=place)) if room >= 0 else entry


def _prompt(past: Past, step: Step) -> list[Entry]:
    text = quoted_prompt(step.turn.prompt, _MOST_CHARS, chars=step.turn.chars, mark=step.turn.pasted)
    to = "" if step.view.agent == past.lead.agent else f" to {past.agent(step)}"
    label = replying_to(step, f"Prompt{to} ({past.sent(step)})")
    return parted(step, text, "prompt", label=label)


def _greets(turn: Turn) -> bool:
    """Whether a turn begins its session with nothing but a short reply, such as the words that `carryover install`
    suggests. It replies to no question of that session."""
    return turn.number == 1 and not says_something(turn)


def _is_bare_name(step: Step) -> bool:
    """Whether a prompt is a single word that chooses nothing: `2` may."""
    return is_name(step.turn.prompt) and not replying_to(step, "")


def _asks_for_correction(turn: Turn) -> bool:
    """Whether what comes right after the turn corrects it: it was interrupted, something in it was refused, or it asked
    the user and ended in no answer (as when Codex 0.145 proposes a plan)."""
    is_proposal = turn.end == "" and turn.replies != ()
    return turn.end == "interrupted" or is_proposal or any(reply.refused for reply in turn.replies)


def _replies(past: Past) -> list[Entry]:
    of_task = typed_since(past)
    in_turns = ((step, reply) for step in past.steps for reply in step.turn.replies if reply not in of_task)
    ran = _ran(past)
    replies = sorted(
        ((step, _with_consent(reply, ran)) for step, reply in (*in_turns, *_to_subagents(past))),
        key=lambda one: (one[1].at_ms, one[0].turn.number),
        reverse=True,
    )
    standing: dict[str, Reply] = {}
    for _, reply in replies:
        if reply.refused and not reply.allowed and (reply.text or not was_left(past, reply.at_ms)):
            standing.setdefault(reply.to, reply)
    newest = [*standing.values()][:_MOST_REFUSED]
    entries: list[Entry] = []
    wordless = defaultdict[tuple[int, int], list[tuple[Step, Reply, Turn | None]]](list)
    for step, reply in replies:
        prompt = _prompt_of(step, reply) if reply.refused and reply.text else None
        says_nothing = not reply.text or prompt is not None
        if not reply.refused:
            entries += _answer(past, step, reply)
        elif not says_nothing:
            entries += _refusal(past, step, reply, "refused" if reply in newest else None)
        elif not reply.allowed:  # or else the user has changed their mind
            wordless[id(step.turn), id(prompt)].append((step, reply, prompt))
    for together in wordless.values():
        rank = fixed_rank("refused") if any(reply in newest for _, reply, _ in together) else None
        entries.append(_without_words(past, together, rank))
    return entries


def _ran(past: Past) -> dict[str, int]:
    """Returns when each shell command that is still known last succeeded, in any session: the user may refuse one in a
    session, and allow it in the next."""
    calls = (call for session in past.view.sessions for call in session.digest.calls)
    done = sorted((call.at_ms, call.subject) for call in calls if call.op == "shell" and call.status == "ok")
    return {command_tried(subject): at_ms for at_ms, subject in done}


def _with_consent(reply: Reply, ran: Mapping[str, int]) -> Reply:
    return replace(reply, allowed=True) if reply.refused and ran.get(reply.to, 0) > reply.at_ms else reply


def _to_subagents(past: Past) -> Iterator[tuple[Step, Reply]]:
    """Yields what the user typed to sub-agents, each with the turn of the session that had begun by then: a sub-agent's
    turns have numbers of their own."""
    for session in past.view.sessions:
        turns = (turn for digest in session.subagents for turn in digest.turns)
        for reply in (reply for turn in turns for reply in turn.replies if reply.is_added):
            begun = [turn for turn in session.digest.turns if turn.at_ms <= reply.at_ms]
            if begun:
                yield Step(begun[-1], session), reply


def _prompt_of(step: Step, reply: Reply) -> Turn | None:
    """Returns the turn whose prompt is what the user said on refusing: some agents record it as both."""
    words = reply.text.removesuffix("…")
    near = (step.turn.number, step.turn.number + 1)
    turns = (turn for turn in step.digest.turns if turn.number in near)
    return next((turn for turn in turns if one_line(turn.prompt).startswith(words)), None)


def _refusal(past: Past, step: Step, reply: Reply, row: str | None) -> list[Entry]:
    label = f"On refusing {_call_of(reply)} ({past.place(step, reply.at_ms)})"
    return parted(step, excerpt(reply.text, _CHARS), "refusal", row, label=label, at_ms=reply.at_ms)


def _without_words(past: Past, together: Sequence[tuple[Step, Reply, Turn | None]], rank: Rank | None) -> Entry:
    """Returns one line of the calls of a turn, newest first, that were refused without a word or with the same prompt:
    of calls that an agent makes at once, a client asks for each."""
    step, newest, prompt = together[0]
    named = [_call_of(reply) for _, reply, _ in together[:_MOST_NAMED]]
    more = f" and {len(together) - len(named)} more" if len(together) > len(named) else ""
    # `continue` and `/config` are no reasons.
    explains = prompt is not None and says_something(prompt) and not prompt.prompt.startswith("/")
    said = f"; {past.turn(prompt.number, step.view)} says why" if prompt is not None and explains else ""
    text = f"Refused, not run: {', '.join(reversed(named))}{more} ({past.place(step, newest.at_ms)}){said}"
    return from_turn(step, text, "refusal", rank, at_ms=newest.at_ms)


def _call_of(reply: Reply) -> str:
    # A command has marks around it, and none within.
    is_marked = reply.to.startswith("`") and reply.to.find("`", 1) == len(reply.to) - 1
    return excerpt(reply.to, _REFUSED_CHARS) if is_marked else in_quotes(reply.to, _REFUSED_CHARS)


def _answer(past: Past, step: Step, reply: Reply) -> list[Entry]:
    place = past.place(step, reply.at_ms)
    if reply.is_added:
        text = quoted_prompt(reply.text, _MOST_CHARS)
        return parted(step, text, "reply", label=f"Typed while the agent worked ({place})", at_ms=reply.at_ms)
    label = f"Asked {in_quotes(reply.to, 140)} ({place}), answered"
    return parted(step, excerpt(reply.text, _CHARS), "reply", label=label, at_ms=reply.at_ms)
