"""What to do next: what was left unfinished, what the plan says, or what the assistant announced."""

from __future__ import annotations

import re
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.digest import Digest
from carryover.distill.prose import flat, one_line, sentences, word_count
from carryover.distill.questions import offers_in
from carryover.distill.words import is_question

# A line a language, in the order of `words`.
_AHEAD: Final = re.compile(
    r"\b(?:next|then|once|after that|going to|i(?:'ll| will| would|'m going to)|we(?:'ll| will| still)|ready (?:to|for)"
    r"|remaining|remains|todo|to do|still (?:need|have|to)|left to|follow-?up|pending|needs? to|requires?|must"
    r"|als nächstes|danach"
    r"|ensuite|prochaine"
    r"|luego|siguiente"
    r"|далее|затем|следующ\w+|осталось)\b"
    r"|次に|次は|次の(?:ステップ|段階|作業|手順|工程)|残り"
    r"|接下来|下一步"
    r"|다음",
    re.I,
)
_COURTESY: Final = re.compile(
    r"\b(?:let me know|feel free|happy to|hope this|anything else|if you (?:need|have))\b", re.I
)
_AWAY_NEXT: Final = re.compile(r"next action:\s*(.+)", re.I | re.S)
_MOST: Final = 3
_TELLING_WORDS: Final = 3


def next_actions(digest: Digest) -> list[str]:
    """One to three lines, the most certain first; empty only where there is no task."""
    if digest.goal is None:
        return []
    found = _cut_short(digest) + _cut_short_before(digest) + _planned(digest)
    if not found or digest.is_done or _is_aside(digest):
        found += _announced(digest)
    if digest.jobs:
        found.append("Wait for what runs in the background: " + "; ".join(job.text for job in digest.jobs[-4:]))
    if not found:
        found = _fallback(digest)
    return found[:_MOST]


def _is_aside(digest: Digest) -> bool:
    """A question by the way is at work, so what was to come before it is still to come."""
    return digest.turn is not None and digest.turn.ask.kind == "aside"


def _cut_short(digest: Digest) -> list[str]:
    """A turn that was limited, interrupted or not answered yet."""
    turn = digest.turn
    if turn is None or turn.done:
        return []
    asked = turn.ask.answers if turn.ask.kind in ("nudge", "answer") and turn.ask.answers else turn.ask.text
    lines = [f"Unfinished: {clip(flat(asked), chars=180)}"]
    if digest.ending is not None and digest.ending.reason != "error":
        cause = "its usage limit" if digest.ending.reason == "limit" else "the user's interruption"
        lines[0] = f"Stopped by {cause}; unfinished: {clip(flat(asked), chars=160)}"
    if digest.calls:
        lines.append(f"In flight when it stopped, no result recorded: `{digest.calls[-1].text.replace('`', '')}`")
    return lines


def _cut_short_before(digest: Digest) -> list[str]:
    """Work that was stopped in an earlier turn, and that what came since only talked about."""
    ask = digest.cut_short
    if ask is None or not (digest.is_done or _is_aside(digest)):
        return []
    return [f"Stopped before, and not finished since: {clip(flat(ask.answers or ask.text), chars=160)}"]


def _planned(digest: Digest) -> list[str]:
    open_items = [item for item in digest.plan if item.state != "done"]
    if not open_items or (digest.goal is not None and digest.plan_ms < digest.goal.at_ms):
        return []
    done = len(digest.plan) - len(open_items)
    active = [item.text for item in open_items if item.state == "active"]
    waiting = [item.text for item in open_items if item.state == "pending"]
    steps = [f"now: {active[0]}"] if active else []
    steps += [f"then: {'; '.join(waiting[:3])}" if active else f"next: {'; '.join(waiting[:3])}"] if waiting else []
    return [f"Plan ({done} of {len(digest.plan)} done), {', '.join(steps)}"]


def _announced(digest: Digest) -> list[str]:
    """What the newest text says will come; else the offer that waits for an answer."""
    if (
        digest.away_summary is not None
        and digest.turn is not None
        and digest.away_summary.at_ms > digest.turn.ask.at_ms
    ):
        match = _AWAY_NEXT.search(digest.away_summary.text)
        if match:
            return [clip(one_line(match[1]), chars=240)]
    if digest.said is None:
        return []
    said = sentences(digest.said.text)[-14:]
    ahead = [s for s in said if _AHEAD.search(s) and not is_question(s) and not _COURTESY.search(s)]
    ahead = [clip(s, chars=260) for s in ahead if _TELLING_WORDS <= word_count(s) <= 60]
    if ahead:
        return ahead[-2:]
    waiting = [o for o in offers_in(digest.said.text) if word_count(o) >= _TELLING_WORDS]
    return [f"Waits for the user's word on: {clip(waiting[-1], chars=220)}"] if waiting else []


def _fallback(digest: Digest) -> list[str]:
    """There is always a next action; where nothing tells it, that is said rather than guessed."""
    if digest.said is None:
        return ["Begin: nothing has been answered yet."]
    said = [s for s in sentences(digest.said.text) if not _COURTESY.search(s) and word_count(s) >= _TELLING_WORDS]
    if said:
        return [f"The last answer ended: {clip(said[-1], chars=220)}"]
    return ["The last turn was finished and nothing further was announced."]
