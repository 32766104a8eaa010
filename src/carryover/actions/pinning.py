"""Keeps the user's own word about a project in sight of every agent, until the user takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.clock import utc_now_ms
from carryover.config import load_config, refuse_excluded
from carryover.errors import ExitCode, UserError
from carryover.export.quoting import safe
from carryover.ledger.events import pins
from carryover.ledger.queries import has_only_pins
from carryover.model import Pin, PinChange
from carryover.past.context import project_root, refuse_paused, state_dir
from carryover.past.opened import Want, opened
from carryover.probe.checkout import Checkout
from carryover.projects.policy import refusal
from carryover.projects.root import StatePaths

MOST_PINS: Final = 5
"""Of each kind: all of them are in each handoff."""
PIN_CHARS: Final = 160
_TITLES: Final[dict[PinChange, str]] = {"pin": "Pinned", "done": "Done", "unpin": "No longer pinned"}


class Kept(msgspec.Struct, frozen=True):
    """A text as it is kept."""

    text: str
    is_new: bool
    awaits_work: bool = False
    """Whether no agent's session is recorded in the project: no handoff of it is written until there is one."""
    is_before_install: bool = False


def pinning_root(project: str | None, *, changes: bool) -> str:
    """Returns the root of the project to pin in, or with `changes` false to list pins of. Raises UserError (REFUSED) if
    nothing is recorded there now, or if it is a place of which no handoff is written: a system or the home folder."""
    root = project_root(project, must_exist=True)
    if changes:
        refuse_paused("recorded")
    state = state_dir()
    config = load_config(state.config)
    refuse_excluded(root, config)
    unfit = refusal(Checkout(Path(root)), StatePaths(state, Path.home(), config.agents))
    if unfit is not None and not unfit.passing:
        raise UserError(
            f"No handoff of {root} is written: {unfit.reason}. Nothing was changed. Name the project: `--project DIR`.",
            ExitCode.REFUSED,
        )
    return root


def pinned(root: str) -> list[Pin]:
    """Returns what is pinned in the project, then what the user says is done, each oldest first; users number them
    from 1."""
    with opened(Want.FOLLOWED, root) as (ledger, project):
        rows = pins(ledger, project.id) if project is not None else []
    return sorted(rows, key=lambda pin: pin.is_done)


def keep(root: str, text: str, *, is_done: bool) -> Kept:
    """Pins a text, or records that it is done.

    Raises UserError if there are as many as a handoff has room for, or if the text is empty or too long.
    """
    words = _checked(text)
    of_kind = [pin.text for pin in pinned(root) if pin.is_done == is_done]
    if words in of_kind:
        return Kept(words, is_new=False)
    if len(of_kind) >= MOST_PINS:
        what = "marked as done" if is_done else "pinned"
        raise UserError(
            f"{MOST_PINS} texts are {what} here already, and each handoff has all of them. Nothing was recorded. "
            "`carryover unpin N` takes one back; `carryover pin` lists them.",
            ExitCode.REFUSED,
        )
    _record(root, words, "done" if is_done else "pin")
    before_install = load_config(state_dir().config).agents.selected is None
    with opened(Want.AS_IT_IS, root) as (ledger, project):
        awaits_work = project is not None and has_only_pins(ledger, project.id)
    return Kept(words, is_new=True, awaits_work=awaits_work, is_before_install=before_install)


def take_pin_back(root: str, which: str) -> Pin:
    """Takes back what was pinned or said to be done, by its number in the list, its words or their beginning. Raises
    UserError if there is no such text, or if several begin so."""
    there = pinned(root)
    pin = _named(which, there)
    if not there:
        raise UserError(f"Nothing is pinned in {Path(root).name}.", ExitCode.NOTHING_FOUND)
    if pin is None:
        raise UserError(
            f"{which!r} is not the number, the words or the beginning of just one text that is pinned in "
            f"{Path(root).name}. Nothing was taken back; `carryover pin` lists what is there.",
            ExitCode.NOTHING_FOUND,
        )
    _record(root, pin.text, "unpin")
    return pin


def _named(which: str, there: Sequence[Pin]) -> Pin | None:
    for pin in there:
        if pin.text == which:
            return pin
    for number, pin in enumerate(there, 1):
        if which == str(number):
            return pin
    begin_so = [pin for pin in there if which and pin.text.casefold().startswith(which.casefold())]
    return begin_so[0] if len(begin_so) == 1 else None


def _checked(text: str) -> str:
    words = " ".join(safe(text).split())
    if not words:
        raise UserError("The text is empty. Nothing was recorded.", ExitCode.USAGE)
    if len(words) > PIN_CHARS:
        raise UserError(
            f"The text has {len(words)} characters; a line of the handoff holds {PIN_CHARS}. Nothing was recorded. "
            "Say it shorter, or write it into a file of the project and pin its name.",
            ExitCode.REFUSED,
        )
    return words


def _record(root: str, text: str, change: PinChange) -> None:
    # Not at the top: the list of what is pinned needs none of it.
    from carryover.actions.noting import record
    from carryover.importing.notes import Note, pin_id

    title = f"{_TITLES[change]}: {text}"
    note = Note(session=pin_id(root, text), at_ms=utc_now_ms(), root=root, title=title, text=text, pin=change)
    record(note)
