"""Separates what the user said in a prompt from the template around it: text that also came in other prompts, or
that a command file on disk has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from carryover.distill.forms import filled_in
from carryover.distill.pastes import is_machine_line
from carryover.distill.quotes import clip, lines_of, quoted
from carryover.ledger.long_prompts import MOST_LIKE_IT
from carryover.text.harmless import one_line
from carryover.text.pattern import later
from carryover.text.prompt_lines import LEAST_LINES, long_lines

# fmt: off
_LEAST_CHARS: Final = {                 # of so many prompts of one template; else all is the user's words
    3: 600,                             # a paragraph of rules that a user pastes each time is shorter
    2: 2400,                            # twice what people type: two prompts may be one that was sent again, mended
}
LEAST_SHARE: Final = 0.3                # of a prompt's long lines: a request in several commands is no template
# fmt: on
_NAME_CHARS: Final = 60
_HEADING: Final = later(r"\s*#{1,3}\s+\S")
_PARAGRAPH_END: Final = later(r"\n{3,}")


class SharedText(NamedTuple):
    """A text that a prompt may share lines with: another prompt or, with a name, a command file."""

    lines: frozenset[str]
    long: frozenset[str]
    name: str = ""

    @classmethod
    def of(cls, text: str, name: str = "") -> SharedText:
        """Returns the source with this text."""
        return cls(frozenset(map(one_line, text.splitlines())), frozenset(long_lines(text)), name)


def own_words(text: str, sources: Sequence[SharedText], *, command: str | None = None) -> tuple[str, str] | None:
    """Returns what the user said in a prompt, and the line that names its template; None if no template is known.
    `command`: the slash command that the prompt began with."""
    # An error that was pasted again is no template.
    long = frozenset(line for line in long_lines(text) if not is_machine_line(line))
    alike = _alike(long, sources)
    on_disk = alike[0].name if alike else ""
    if not on_disk and not _is_template(long, alike):
        return None
    counts = Counter(line for source in alike for line in source.lines)
    # What only some of the prompts share was asked again.
    known = {line for line, count in counts.items() if 2 * count > len(alike)}
    marked = [(one_line(line) in known, line) for line in text.splitlines()]
    kept = "\n".join("" if is_known else line for is_known, line in marked)
    own = _PARAGRAPH_END.sub("\n\n", kept).strip("\n")
    if not any(letter.isalnum() for letter in own):
        own = ""
    name = clip(command or on_disk, chars=_NAME_CHARS)
    if not name:
        form = filled_in(text)
        name = form.name if form is not None else _first(line for is_known, line in marked if is_known)
    if on_disk:
        whence = "a command on disk"
    else:
        or_more = "+" if len(alike) == MOST_LIKE_IT else ""
        whence = f"repeated in {len(alike) + 1}{or_more} prompts"
    return own, f"template {quoted(name)} ({whence}), {len(text) - len(own):,} characters"


def _alike(long: frozenset[str], sources: Sequence[SharedText]) -> list[SharedText]:
    """Returns the command that a prompt of these long lines holds, or else the prompts that share the most with it."""
    shared = [(source, long & source.long) for source in sources]
    shared = [(source, lines) for source, lines in shared if len(lines) >= LEAST_LINES]
    commands = (source for source, lines in shared if source.name and 2 * len(lines) >= len(source.long))
    if (command := next(commands, None)) is not None:
        return [command]
    prompts = [(source, _chars(lines)) for source, lines in shared if not source.name]
    least = max(LEAST_SHARE * _chars(long), max((chars for _, chars in prompts), default=0) / 2)
    return [source for source, chars in prompts if chars >= least]


def _is_template(long: frozenset[str], alike: Sequence[SharedText]) -> bool:
    chars = min((_chars(long & source.long) for source in alike), default=0)
    return any(len(alike) + 1 >= texts and chars >= least for texts, least in _LEAST_CHARS.items())


def _chars(lines: frozenset[str]) -> int:
    return sum(map(len, lines))


def _first(lines: Iterable[str]) -> str:
    """Returns the first heading among the lines, or else the first line with words."""
    found = [line for line in lines if lines_of(line)]
    heading = next(filter(_HEADING.match, found), found[0] if found else "")
    return clip(" ".join(lines_of(heading)), chars=_NAME_CHARS)
