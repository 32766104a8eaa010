"""Turns quotes into entries: one per part, weighted by its place in the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from carryover.distill.entry import Entry, Kind
from carryover.distill.quotes import fits, pieces
from carryover.distill.trail import Step
from carryover.distill.view import SessionView
from carryover.distill.weights import Weight


def from_session(
    session: SessionView, turn: int, text: str, kind: Kind, weight: float, *, label: str = "", at_ms: int
) -> Entry:
    """Returns one line from a session, in its turn of that number."""
    return Entry(
        text=text,
        kind=kind,
        weight=weight,
        label=label,
        session=session.session,
        agent=session.agent,
        turn=turn,
        at_ms=at_ms,
    )


def from_turn(step: Step, text: str, kind: Kind, weight: float, *, label: str = "", at_ms: int | None = None) -> Entry:
    """Returns one line from a turn."""
    moment = step.turn.at_ms if at_ms is None else at_ms
    return from_session(step.view, step.turn.number, text, kind, weight, label=label, at_ms=moment)


def parted(
    step: Step, text: str, kind: Kind, weight: Weight, *, label: str, most: int = 99, at_ms: int | None = None
) -> list[Entry]:
    """Splits a quote into entries: its ends stay longest, the last one most of all. A quote with more than `most` lines
    is reduced to its beginning and its end."""
    parts = list(enumerate(pieces(text, beside=len(label))))
    count = len(parts)
    if count > most:
        parts = [*parts[: most // 2], *parts[count - (most + 1) // 2 :]]
    return [
        replace(
            from_turn(step, part, kind, weight.first + weight.part * rank, label=label, at_ms=at_ms),
            part=at,
            parts=count,
        )
        for (at, part), rank in zip(parts, _ranks(len(parts), head=False), strict=True)
    ]


def from_the_top(quote: Sequence[Entry]) -> list[Entry]:
    """Returns the same lines, reweighted so that the first one stays longest."""
    weights = sorted(entry.weight for entry in quote)
    ranks = _ranks(len(quote), head=True)
    return [replace(entry, weight=weights[rank]) for entry, rank in zip(quote, ranks, strict=True)]


def _ranks(count: int, head: bool) -> list[int]:
    """Returns for each part how many are kept before it. The order is: last, first, last but one, last but two, second,
    and so on; with `head`: first, second, last, third, fourth, last but one, and so on."""
    ranks = [0] * count
    first, last = 0, count - 1
    for rank in range(count):
        if (rank % 3 == 1) != head:
            ranks[first], first = rank, first + 1
        else:
            ranks[last], last = rank, last - 1
    return ranks


def packed(entries: Iterable[Entry]) -> list[Entry]:
    """Joins short neighbours on one line, which stays as long as its longest-staying entry."""
    lines: list[Entry] = []
    for entry in entries:
        before = lines[-1] if lines else None
        if before is None or before.parts > 1 or entry.parts > 1 or not fits(f"{before.shown} | {entry.shown}"):
            lines.append(entry)
            continue
        members = before.members or (before,)
        lines[-1] = replace(
            before,
            text=f"{before.text} | {entry.shown}",
            weight=min(before.weight, entry.weight),
            members=(*members, entry),
        )
    return lines
