"""Removes templates from the prompts of a view, using the ledger and the commands on disk. Blocking."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from carryover.agents import specs
from carryover.distill.digest import Turn
from carryover.distill.own_text import without_handoffs
from carryover.facts import is_foreign
from carryover.ledger.long_prompts import long_prompts, prompt_of, prompts_like

if TYPE_CHECKING:
    from carryover.publish.templates import SharedText

MOST_PROMPTS: Final = 48
"""How many long prompts of a view are looked at, the newest sessions' first: about 1 ms each."""
_MOST_OF_THREAD: Final = 12


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
        own = {turn.number: self._own(turn, known[turn.at_ms]) for turn in looked_at}
        return tuple(own.get(turn.number, turn) for turn in turns)

    @property
    def _commands(self) -> list[SharedText]:
        """The command files of the user and of the project."""
        # Not `cached_property`: in Python 3.11, all projects would wait for the one whose disk hangs.
        if self._known_commands is None:
            self._known_commands = self._read_commands()
        return self._known_commands

    def _read_commands(self) -> list[SharedText]:
        from carryover.probe.command_files import command_files
        from carryover.publish.templates import SharedText

        folder = Path(self._root) if self._root and not is_foreign(self._root) else None
        kinds = (kind for spec in specs() for kind in spec.commands.items())
        return [SharedText.of(text, name) for name, text in command_files(folder, kinds, Path.home(), os.environ)]

    def _own(self, turn: Turn, event_id: int) -> Turn:
        # Few prompts are long enough to hold a template, and a command that lists sessions waits for each import.
        from carryover.distill.turns import prompt_excerpt
        from carryover.publish.templates import SharedText, own_words

        prompt = prompt_of(self._db, event_id)
        if prompt is None:
            return turn
        others = list(prompts_like(self._db, prompt.typed))
        self._sources |= {text: SharedText.of(text) for text in others if text not in self._sources}
        sources = (*self._commands, *map(self._sources.__getitem__, others))
        found = own_words(prompt.text, sources, command=prompt.command)
        if found is None:
            return turn
        text, template = found
        own = without_handoffs(text).strip()
        if not own:
            return replace(turn, prompt=template, chars=len(template), template=template)
        return replace(turn, prompt=prompt_excerpt(own), chars=len(own), template=template)
