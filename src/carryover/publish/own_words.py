"""Takes templates out of the prompts of a thread, by the ledger and by the commands on disk. Blocking."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.agents import specs
from carryover.distill.digest import Turn
from carryover.distill.own_text import without_handoffs
from carryover.distill.templates import Source, own_words
from carryover.distill.turns import prompt_excerpt
from carryover.facts import is_foreign
from carryover.ledger.long_prompts import MOST_LIKE_IT, long_prompts, prompt_of, prompts_like
from carryover.probe.command_files import command_files

Commands = Callable[[], Iterable[Source]]
"""Returns the command files that a prompt may have come from; asked only if there is a long prompt."""

_MOST_PROMPTS: Final = 12
"""How many of a thread's newest long prompts are looked at, beside its first."""


def with_own_words(
    db: sqlite3.Connection, thread_id: int, turns: Sequence[Turn], commands: Commands
) -> tuple[Turn, ...]:
    """Returns the turns of a thread, in which a prompt that holds a template has only the user's own words."""
    known = long_prompts(db, thread_id)
    long = [turn for turn in turns if turn.at_ms in known and turn.prompt] if known else []
    changed = {turn.number: _own(db, turn, known[turn.at_ms], commands) for turn in (*long[:1], *long[-_MOST_PROMPTS:])}
    return tuple(changed.get(turn.number, turn) for turn in turns)


def commands_of(root: str) -> list[Source]:
    """Returns the command files of the user and of the project at `root`."""
    folder = None if is_foreign(root) else Path(root)
    kinds = (kind for spec in specs() for kind in spec.commands)
    return [Source(file.text, file.name) for file in command_files(folder, kinds, Path.home(), os.environ)]


def _own(db: sqlite3.Connection, turn: Turn, event_id: int, commands: Commands) -> Turn:
    prompt = prompt_of(db, event_id)
    if prompt is None:
        return turn
    others = (Source(text) for text in prompts_like(db, prompt.typed))
    found = own_words(prompt.text, (*commands(), *others), command=prompt.command, most=MOST_LIKE_IT)
    if found is None:
        return turn
    own = without_handoffs(found.text).strip()
    if not own:
        return replace(turn, prompt=found.template, chars=len(found.template))
    return replace(turn, prompt=prompt_excerpt(own), chars=len(own), template=found.template)
