"""The edits of one project: what of ours may be in its files, and what is put in and taken out in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carryover.outside.apply import Edit, Putting, Taking, Text, carry_out, is_needed, plan_edit
from carryover.outside.journal import read_journal
from carryover.outside.listed import in_project

if TYPE_CHECKING:
    from carryover.probe.checkout import Checkout  # what starts git, which not every command that edits needs

_REMEDY: Final = "Remove what Carryover added yourself."


def text_in(root: Path, name: str, what: str, put: Putting, take: Taking, **other: Any) -> Text:
    """Returns our text in the file `name` of the project at `root`. `other`: fields of the `Text` that differ."""
    usual: dict[str, Any] = {"path": root / name, "listed": in_project(root, name), "links": "left alone"}
    return Text(name=name, what=what, put=put, take=take, root=root, remedy=_REMEDY, **(usual | other))


class Pass:
    """The edits of one project in one pass, with the checkout and the journal as they were when it began.

    `mine` names the files that have our text from this machine: see `Journal.names`. `changes` are the edits that
    changed a file or, if the pass is `dry`, would change one. `notes` say what was left alone and why; they quote no
    content.
    """

    def __init__(self, checkout: Checkout, state: Path, notes: Iterable[str] = (), *, dry: bool = False) -> None:
        """Raises OSError if the journal in the state folder can't be read."""
        self.checkout = checkout
        self.root = checkout.root
        self.state = state
        self.dry = dry
        self.journal = read_journal(state)
        self.mine = self.journal.names(checkout.root)
        self.changes: list[Edit] = []
        self.notes = list(notes)

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
        listed = in_project(self.root, name)
        self.take(Text(path=self.root / name, name=name, what="", listed=listed, root=self.root))

    def carry_out(self, edit: Edit) -> bool:
        """Carries out a planned edit, and returns what `put` does."""
        name, needed = edit.text.name, is_needed(edit, self.journal)
        if needed and not self.dry:
            edit = carry_out(edit, self.state)
        if edit.reason is not None:
            self.left_alone(name, edit.reason)
            return False
        if edit.changes:
            self.changes.append(edit)
        if not needed or edit.text.listed is None:
            return True
        if not edit.has_ours:
            self.mine.discard(name)
        elif edit.changes:
            self.mine.add(name)
        return True

    def left_alone(self, name: str, reason: str) -> None:
        """Adds a note about a file that was not edited."""
        self.notes.append(f"{name} was left alone: {reason}")
