"""The edits of one project: what of ours may be in its files, and what is put in and taken out in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.outside.apply import Change, Edit, Editing, Ours, carry_out, plan
from carryover.outside.journal import Journal, read_journal
from carryover.outside.listed import in_project
from carryover.probe.ignore_rules import SIZE_LIMIT_BYTES

if TYPE_CHECKING:
    from carryover.probe.checkout import Checkout  # what starts git, which not every command that edits needs

_REMEDY: Final = "Remove what Carryover added yourself."


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Our text in one file of the project at `root`: how it is put in, and taken out again byte for byte."""

    root: Path
    name: str
    """The file, as it is listed and as notes name it."""
    what: str
    """The text, for people."""
    put: Editing
    take: Editing
    is_in: Callable[[bytes], bool] = lambda _: True
    """Whether the text is in a file, which is listed only then."""
    path: Path | None = None
    """Where the file is, if it is not in the project under its name."""
    is_listed: bool = True
    """Whether the journal lists it: not if all checkouts of a repository share it."""
    follow: bool = False
    """Whether symlinks are followed to text files of the project; otherwise they are left alone."""
    obstacle: str | None = None
    """Why the file has to be left alone whatever is in it, as a clause."""

    def put_in(self) -> Edit:
        """Plans to put the text in."""
        return self._planned(self.put, Ours(self.is_in, lambda data, _: self.take(data)) if self.is_listed else None)

    def take_out(self) -> Edit:
        """Plans to take the text out."""
        return self._planned(self.take)

    def found(self) -> bytes:
        """Returns what is in the file; nothing if it does not exist or may not be read."""
        return self._planned(_as_it_is).before or b""

    def _planned(self, edit: Editing, ours: Ours | None = None) -> Edit:
        change = Change(
            path=self.path or self.root / self.name,
            what=self.what,
            edit=edit,
            remedy=_REMEDY,
            listed=in_project(self.root, self.name) if self.is_listed else None,
            ours=ours,
            root=self.root,
            follow=self.follow,
            within=self.root if self.follow else None,
            limit_bytes=SIZE_LIMIT_BYTES,
            private=False,
        )
        return plan(change) if self.obstacle is None else Edit(change, None, None, self.obstacle)


def _as_it_is(data: bytes | None) -> bytes | None:
    return data


class Pass:
    """The edits of one project in one pass, with the checkout and the journal as they were when it began.

    `mine` names the files that have our text from this machine: see `Journal.names`. `done` names those that this pass
    changed. `notes` say what was left alone and why; they quote no content.
    """

    def __init__(self, checkout: Checkout, state: Path | None, notes: Iterable[str] = ()) -> None:
        """Raises OSError if the journal in the folder `state` can't be read."""
        self.checkout = checkout
        self.root = checkout.root
        self.state = state or Path()
        self.journal = read_journal(state) if state is not None else Journal()
        self.mine = self.journal.names(checkout.root) if state is not None else set()
        self.done: list[str] = []
        self.notes = list(notes)

    def put(self, text: Text) -> bool:
        """Puts the text in; returns False, with a note, if its file has to be left alone."""
        return self.carry_out(text.name, text.put_in())

    def take(self, text: Text) -> bool:
        """Takes the text out, and returns what `put` does."""
        return self.carry_out(text.name, text.take_out())

    def let_go(self, name: str) -> None:
        """Leaves a file as it is; it is not ours any more."""
        change = Change(
            path=self.root / name,
            what="",
            edit=_as_it_is,
            remedy=_REMEDY,
            listed=in_project(self.root, name),
            root=self.root,
            limit_bytes=SIZE_LIMIT_BYTES,
        )
        self.carry_out(name, plan(change))

    def carry_out(self, name: str, edit: Edit) -> bool:
        """Carries out a planned edit of the file that is known as `name`, and returns what `put` does."""
        if (reason := self._write(edit)) is not None:
            self.left_alone(name, reason)
            return False
        if edit.change.listed is None:
            return True
        if edit.changes:
            self.done.append(name)
        if not edit.has_ours:
            self.mine.discard(name)
        elif edit.changes:
            self.mine.add(name)
        return True

    def left_alone(self, name: str, reason: str) -> None:
        """Adds a note about a file that was not edited."""
        self.notes.append(f"{name} was left alone: {reason}")

    def _write(self, edit: Edit) -> str | None:
        """Returns why the file has to be left alone."""
        return carry_out(edit, self.state).reason


class PlannedPass(Pass):
    """Collects the edits that a pass would make in `planned`. Writes nothing. Without a `state`, nothing is ours."""

    def __init__(self, checkout: Checkout, state: Path | None = None) -> None:
        super().__init__(checkout, state)
        self.planned: list[Edit] = []

    def _write(self, edit: Edit) -> str | None:
        if edit.changes:
            self.planned.append(edit)
        return edit.reason
