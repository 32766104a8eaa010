"""Keeps the user's own word about a project in sight of every agent, until the user takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.actions.noting import record
from carryover.config import load_config, refuse_excluded
from carryover.errors import ExitCode, UserError
from carryover.export.quoting import safe
from carryover.importing.document import Note, pin_id
from carryover.ledger.events import PinRow, pins
from carryover.model import PinChange
from carryover.past.context import now_ms, project_root, refuse_paused, state_dir
from carryover.past.opened import Want, opened
from carryover.projects.policy import refusal

MOST: Final = 5
"""Of each kind: all of them are in each handoff."""
MOST_CHARS: Final = 160
_TITLES: Final[dict[PinChange, str]] = {"pin": "Pinned", "done": "Done", "unpin": "No longer pinned"}


class Pinned(msgspec.Struct, frozen=True):
    """What is kept in each handoff: its number in the list, the words, the session that holds it, its time (UTC ms)."""

    number: int
    text: str
    done: bool
    session: str
    at_ms: int


def place_of(project: str | None) -> str:
    """Returns the root of the project to pin in. Raises UserError (REFUSED) if nothing is recorded there now, or if it
    is a place of which no handoff is written: a system folder, the home folder."""
    root = project_root(project, must_exist=True)
    refuse_paused("recorded")
    refuse_excluded(root, load_config(state_dir().config))
    unfit = refusal(Path(root), home=Path.home())
    if unfit is not None and not unfit.passing:
        raise UserError(f"No handoff of {root} is written: {unfit.reason}. Nothing was changed.", ExitCode.REFUSED)
    return root


def pinned(root: str) -> list[Pinned]:
    """Returns what is pinned in the project, then what the user says is done, each oldest first."""
    with opened(Want.FOLLOWED, root) as (ledger, project):
        found = pins(ledger, project.id) if project is not None else []
    in_order = sorted(found, key=_is_done)
    return [Pinned(number, pin.text, pin.is_done, pin.session, pin.at_ms) for number, pin in enumerate(in_order, 1)]


def _is_done(pin: PinRow) -> bool:
    return pin.is_done


def keep(root: str, text: str, *, is_done: bool) -> tuple[str, bool]:
    """Pins a text, or records that it is done; returns it as it is kept and whether that is new.

    Raises UserError if there are as many as a handoff has room for, or if the text is empty or too long.
    """
    kept = _checked(text)
    there = pinned(root)
    if any(pin.text == kept and pin.done == is_done for pin in there):
        return kept, False
    if sum(pin.done == is_done for pin in there) >= MOST:
        what = "marked as done" if is_done else "pinned"
        raise UserError(
            f"{MOST} texts are {what} here already, and each handoff has all of them. Nothing was recorded. "
            "`carryover unpin N` takes one back; `carryover pin` lists them.",
            ExitCode.REFUSED,
        )
    _record(root, kept, "done" if is_done else "pin")
    return kept, True


def take_back(root: str, which: str) -> Pinned:
    """Takes back what was pinned or said to be done, by its number in the list or its words. Raises UserError if there
    is no such text."""
    there = pinned(root)
    by_number = [pin for pin in there if which == str(pin.number)]
    same = [pin for pin in there if pin.text == which]
    found = [*same, *by_number, *_beginning_with(which, there)]
    if not found:
        raise UserError(
            f"{which!r} is not the number, the words or the beginning of just one text that is pinned in "
            f"{Path(root).name}. Nothing was taken back; `carryover pin` lists what is there.",
            ExitCode.NOTHING_FOUND,
        )
    _record(root, found[0].text, "unpin")
    return found[0]


def _beginning_with(words: str, there: Sequence[Pinned]) -> list[Pinned]:
    """Returns the one text that begins with these words, if it is one."""
    found = [pin for pin in there if words and pin.text.casefold().startswith(words.casefold())]
    return found if len(found) == 1 else []


def _checked(text: str) -> str:
    kept = " ".join(safe(text).text.split())
    if not kept:
        raise UserError("The text is empty. Nothing was recorded.", ExitCode.USAGE)
    if len(kept) > MOST_CHARS:
        raise UserError(
            f"The text has {len(kept)} characters; a line of the handoff holds {MOST_CHARS}. Nothing was recorded. "
            "Say it shorter, or write it into a file of the project and pin its name.",
            ExitCode.REFUSED,
        )
    return kept


def _record(root: str, text: str, change: PinChange) -> None:
    title = f"{_TITLES[change]}: {text}"
    said = Note(session=pin_id(root, text), at_ms=now_ms(), root=root, title=title, text=text, pin=change)
    record(state_dir(), [said])
