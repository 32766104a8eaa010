"""What stands where in a handoff: its lines by place, and which expectations they don't meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from life.story import Expect

_ASKS = "Do you want to continue from here"
_SETTLED = "ask nothing"


def problems(text: str, expect: Expect) -> list[str]:
    """Returns what the text lacks or should not have; empty if it meets the expectation."""
    if expect.nothing or not text:
        return _about_nothing(text, expect)
    lines = lines_at(text, expect.heading)
    return [*_about_texts(lines, expect), *_about_lines(lines, expect), *_about_header(text, expect)]


def _about_nothing(text: str, expect: Expect) -> list[str]:
    if text:
        return ["there is a text"]
    return [] if expect.nothing else ["there is no text"]


def lines_at(text: str, place: str) -> list[str]:
    """Returns the lines of a place. A quote that continues on further lines is one."""
    raw = text.splitlines()
    header = raw[: next((at for at, line in enumerate(raw) if line.startswith("## ")), len(raw))]
    if place == "header":
        return header
    if place == "first line":
        return raw[:1]
    if place == "last line":
        return raw[-1:]
    if place == "anywhere":
        return _joined(raw)
    inside, found = False, []
    for line in raw:
        if line.startswith("## "):
            inside = line == f"## {place}"
        elif inside and line.startswith("- "):
            found.append(line)
    return _joined(found)


def _joined(lines: Sequence[str]) -> list[str]:
    joined: list[str] = []
    for line in lines:
        if line.startswith("- > ") and joined:
            joined[-1] += f" {line.removeprefix('- > ')}"
        else:
            joined.append(line.removeprefix("- "))
    return joined


def _about_texts(lines: Sequence[str], expect: Expect) -> Iterator[str]:
    all_of_it = "\n".join(lines)
    for wanted in expect.has:
        if wanted not in all_of_it:
            yield f"lacks {wanted!r}"
    for unwanted in expect.lacks:
        if unwanted in all_of_it:
            yield f"has {unwanted!r}"
    for wanted in expect.once:
        if (times := all_of_it.count(wanted)) != 1:
            yield f"has {wanted!r} {times} times instead of once"
    places = [all_of_it.find(wanted) for wanted in expect.order]
    if -1 in places:
        yield f"lacks {expect.order[places.index(-1)]!r}"
    elif places != sorted(places):
        yield f"has {expect.order!r} in another order"


def _about_lines(lines: Sequence[str], expect: Expect) -> Iterator[str]:
    for wanted in expect.line:
        if not any(all(part in line for part in wanted) for line in lines):
            yield f"has no line with all of {wanted!r}"
    for together in expect.no_line:
        if any(all(part in line for part in together) for line in lines):
            yield f"has a line with all of {together!r}"
    for text in expect.first:
        if not lines or text not in lines[0]:
            yield f"lacks {text!r} in its first line"


def _about_header(text: str, expect: Expect) -> Iterator[str]:
    header = text.partition("\n## ")[0]
    if expect.protocol == "asks" and _ASKS not in header:
        yield "does not ask whether to continue"
    if expect.protocol == "settled" and _SETTLED not in header:
        yield "does not say that nothing is open"
