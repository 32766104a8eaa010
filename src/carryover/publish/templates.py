"""Separates what the user said in a prompt from the template around it: text that also came in other prompts, or
that a command file on disk has. Blocking.

    own = OwnWords(ledger, root)
    turns = own.of(thread_id, turns)  # with only the user's own words in each prompt
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from carryover.adapter.spec import PROJECT, Place
from carryover.agents import specs
from carryover.distill.digest import Turn
from carryover.distill.forms import filled_in
from carryover.distill.own_text import without_handoffs
from carryover.distill.pastes import is_machine_line
from carryover.distill.quotes import clip, lines_of, quoted
from carryover.facts import is_foreign
from carryover.fsio import read_bytes_bounded, stat_regular
from carryover.ledger.long_prompts import MOST_LIKE_IT, is_of_thread, long_prompts, prompt_of, prompts_like
from carryover.probe.memory import find_once
from carryover.text.harmless import one_line
from carryover.text.pattern import later
from carryover.text.prompt_lines import LEAST_LINES, long_lines

MOST_PROMPTS: Final = 48
"""How many long prompts of a view are looked at, the newest sessions' first: about 1 ms each."""
_MOST_OF_THREAD: Final = 12
_MOST_FILES: Final = 300
_MOST_BYTES: Final = 128 << 10
# fmt: off
_LEAST_CHARS: Final = {                 # of so many prompts of one template; else all is the user's words
    3: 600,                             # a paragraph of rules that a user pastes each time is shorter
    2: 2400,                            # twice what people type: two prompts may be one that was sent again, mended
}
LEAST_SHARE: Final = 0.3                # of a prompt's long lines: a request in several commands is no template
# fmt: on
_NAME_CHARS: Final = 60
_PARAGRAPH_END: Final = later(r"\n{3,}")


class OwnWords:
    """Removes templates from the prompts of the project at `root`, which may be empty or of another machine."""

    def __init__(self, db: sqlite3.Connection, root: str) -> None:
        self._db = db
        self._root = root
        self._left = MOST_PROMPTS
        self._known_commands: list[SharedText] | None = None
        self._sources: dict[str, SharedText] = {}  # the same few are compared with each prompt

    def of(self, thread_id: int, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """Returns the turns of a thread, with only the user's own words in each prompt that was made from a
        template."""
        known = long_prompts(self._db, thread_id)
        typed = (turn for turn in turns if turn.is_template or not turn.template)  # of others they are known
        long = [turn for turn in typed if turn.at_ms in known and turn.prompt]
        looked_at = [*long[:-_MOST_OF_THREAD][:1], *reversed(long[-_MOST_OF_THREAD:])][: self._left]
        self._left -= len(looked_at)
        own = {turn.number: self._own(turn, known[turn.at_ms], thread_id) for turn in looked_at}
        return tuple(own.get(turn.number, turn) for turn in turns)

    @property
    def _commands(self) -> list[SharedText]:
        """The command files of the user and of the project."""
        # Not `cached_property`: in Python 3.11, all projects would wait for the one whose disk hangs.
        if self._known_commands is None:
            self._known_commands = self._read_commands()
        return self._known_commands

    def _read_commands(self) -> list[SharedText]:
        folder = Path(self._root) if self._root and not is_foreign(self._root) else None
        kinds = (kind for spec in specs() for kind in spec.commands.items())
        return [SharedText.of(text, name) for name, text in command_files(folder, kinds, Path.home(), os.environ)]

    def _own(self, turn: Turn, event_id: int, thread_id: int) -> Turn:
        prompt = prompt_of(self._db, event_id)
        if prompt is None:
            return turn
        others = list(prompts_like(self._db, event_id, prompt.typed))
        self._sources |= {text: SharedText.of(text) for text in others if text not in self._sources}
        sources = (*self._commands, *map(self._sources.__getitem__, others))
        again = [self._sources[text] for text in others if is_of_thread(self._db, thread_id, text)]
        found = own_words(prompt.text, sources, command=prompt.command, again=again)
        if found is None:
            return turn
        text, template = found
        own = without_handoffs(text).strip()
        if not own:
            return replace(turn, prompt=template, chars=len(template), template=template)
        from carryover.distill.turns import prompt_excerpt  # few prompts are of a template, and listing sessions waits

        return replace(turn, prompt=prompt_excerpt(own), chars=len(own), template=template)


class SharedText(NamedTuple):
    """A text that a prompt may share lines with: another prompt or, with a name, a command file."""

    lines: frozenset[str]
    long: frozenset[str]
    name: str = ""

    @classmethod
    def of(cls, text: str, name: str = "") -> SharedText:
        """Returns the source with this text."""
        return cls(frozenset(map(one_line, text.splitlines())), frozenset(long_lines(text)), name)


def own_words(
    text: str, sources: Sequence[SharedText], *, command: str | None = None, again: Sequence[SharedText] = ()
) -> tuple[str, str] | None:
    """Returns what the user said in a prompt, and the line that names its template; None if no template is known.
    `command`: the slash command that the prompt began with. `again`: the sources that are prompts of the same session:
    a single one was sent again, mended."""
    # An error that was pasted again is no template.
    long = frozenset(line for line in long_lines(text) if not is_machine_line(line))
    alike = _alike(long, sources)
    on_disk = alike[0].name if alike else ""
    is_again = len(alike) == 1 and alike[0] in again
    if not on_disk and (is_again or not _is_template(long, alike)):
        return None
    counts = Counter(line for source in alike for line in source.lines)
    # What only some of the prompts share was asked again.
    known = {line for line, count in counts.items() if 2 * count > len(alike)}
    marked = [(one_line(line) in known, line) for line in text.splitlines()]
    kept = "\n".join("" if is_known else line for is_known, line in marked)
    own = _PARAGRAPH_END.sub("\n\n", kept).strip("\n")
    own = own if any(letter.isalnum() for letter in own) else ""
    name = clip(command or on_disk, chars=_NAME_CHARS) or _title(text, [line for is_known, line in marked if is_known])
    or_more = "+" if len(alike) == MOST_LIKE_IT else ""
    whence = "a command on disk" if on_disk else f"repeated in {len(alike) + 1}{or_more} prompts"
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


def _title(text: str, template: Sequence[str]) -> str:
    """Returns the name of the form that was filled in or, if it is none, the first of the template's lines that has
    words, which says more of what is to be done than a heading further down."""
    if (form := filled_in(text)) is not None:
        return form.name
    return clip(" ".join(next(filter(None, map(lines_of, template)), [])), chars=_NAME_CHARS)


def command_files(
    root: Path | None, kinds: Iterable[tuple[Place, Sequence[str]]], home: Path, env: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Returns the names and texts of the commands of the user and of the project at `root`, if it is here, in the order
    of their paths. `kinds`: as in `AgentSpec.commands`. At most 300; what cannot be read is left out."""
    paths = (
        path
        for place, patterns in kinds
        for path in _command_paths(root if place == PROJECT else place.at(home, env), patterns)
    )
    found = (_read_command(path) for path in islice(dict.fromkeys(paths), _MOST_FILES))
    return [file for file in found if file is not None]


def _command_paths(folder: Path | None, patterns: Sequence[str]) -> Iterator[str]:
    if folder is None:
        return
    for pattern in patterns:
        with suppress(OSError):
            yield from sorted(str(path) for path in islice(folder.glob(pattern), _MOST_FILES))


def _read_command(path: str) -> tuple[str, str] | None:
    name = _command_name(Path(path))
    try:
        status = stat_regular(path)
        stamp = status.st_ino, status.st_mtime_ns, status.st_size
        text = find_once((path, "command"), stamp, lambda: _text_of(path))
    except (OSError, ValueError):
        return None
    return (name, text) if name.isprintable() else None


def _text_of(path: str) -> str:
    return read_bytes_bounded(Path(path), _MOST_BYTES).decode("utf-8-sig")


def _command_name(path: Path) -> str:
    """Returns the name of a command: that of its file without suffixes; of a skill, that of its folder."""
    return path.parent.name if path.name == "SKILL.md" else path.name.partition(".prompt.")[0].removesuffix(path.suffix)
