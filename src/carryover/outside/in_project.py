"""The edits of one project: what of ours may be in its files, and what is put in and taken out in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from carryover.outside.apply import Edit, Putting, Taking, Text, carry_out, is_needed, plan_edit
from carryover.outside.journal import Journal, read_journal, write_down
from carryover.outside.listed import in_project

if TYPE_CHECKING:
    from carryover.probe.checkout import Checkout  # what starts git, which not every command that edits needs

_REMEDY: Final = "Remove what Carryover added yourself."


def text_in(root: Path, name: str, what: str, put: Putting, take: Taking) -> Text:
    """Returns our text in the file `name` of the project at `root`, for people `what`. No symlink is followed."""
    listed = in_project(root, name)
    return Text(
        path=root / name,
        name=name,
        what=what,
        put=put,
        take=take,
        listed=listed,
        root=root,
        follows=False,
        remedy=_REMEDY,
    )


class Pass:
    """The edits of one project in one pass, of which each sees what the ones before it have done.

    `changes` are the edits that changed a file. `notes` say what was left alone and why; they quote no content. Unless
    it `adds`, no file gets our text that does not have it.
    """

    def __init__(self, checkout: Checkout, state: Path, notes: Iterable[str] = (), *, adds: bool = True) -> None:
        self.checkout = checkout
        self.root = checkout.root
        self.state = state
        self.adds = adds
        self.changes: list[Edit] = []
        self.notes = list(notes)

    @property
    def journal(self) -> Journal:
        """The journal as it is now. Raises OSError if it can't be read."""
        return read_journal(self.state)

    @property
    def listed(self) -> set[str]:
        """The names of the files that have our text from this machine: see `Journal.names`. Raises OSError."""
        return self.journal.names(self.root)

    @property
    def done(self) -> list[str]:
        """The names of the files that have changed, but for those that are not listed."""
        return [edit.text.name for edit in self.changes if edit.text.listed is not None]

    def put(self, text: Text) -> bool:
        """Puts our text in; returns False, with a note, if the file has to be left alone."""
        return self.carry_out(plan_edit(text))

    def take(self, text: Text) -> bool:
        """Takes our text out, and returns what `put` does."""
        return self.carry_out(plan_edit(text, out=True))

    def let_go(self, name: str) -> None:
        """Leaves a file as it is; it is not ours any more."""
        listed = self.journal.known(in_project(self.root, name))
        if listed is not None:
            write_down(self.state, replace(listed, gone=True))

    def carry_out(self, edit: Edit) -> bool:
        """Carries out a planned edit, and returns what `put` does."""
        if is_needed(edit, self.journal):
            edit = carry_out(edit, self.state)
        if edit.reason is not None:
            self.left_alone(edit.text.name, edit.reason)
        elif edit.changes:
            self.changes.append(edit)
        return edit.reason is None

    def left_alone(self, name: str, reason: str) -> None:
        """Adds a note about a file that was not edited."""
        self.notes.append(f"{name} was left alone: {reason}")
