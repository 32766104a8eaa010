"""What was done to the files of a project that are not ours, and the list from which it can be undone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from carryover.fsio import read_bytes_bounded, write_if_changed

LIST: Final = "edited"
"""In the project's `.carryover`: one name a line."""

AGENTS_MD: Final = "AGENTS.md"
CLAUDE_MD: Final = "CLAUDE.md"
GITIGNORE: Final = ".gitignore"
_EDITABLE: Final = (AGENTS_MD, CLAUDE_MD, GITIGNORE)


class Edits:
    """The edits of one pass over a project.

    `mine` names the files that Carryover edited on this machine, now or earlier: only these are ever put back, for a
    block that came with the repository is its owners'. `done` names those this pass changed. `notes` say what was left
    alone and why; they quote no content.
    """

    def __init__(self, store: Path, notes: Iterable[str] = ()) -> None:
        self._list = store / LIST
        self.mine = self._load()
        self.done: list[str] = []
        self.notes = list(notes)

    def make(self, name: str, edit: Callable[[], bool]) -> bool:
        """Runs an edit, which says whether it changed the file; False, with a note, when it failed."""
        return self._attempt(name, edit, self.mine.add)

    def undo(self, name: str, edit: Callable[[], bool]) -> bool:
        """The same for an edit that takes out what an earlier one put in."""
        return self._attempt(name, edit, self.mine.discard)

    def left_alone(self, name: str, reason: str) -> None:
        """Notes a file that was not edited."""
        self.notes.append(f"{name} was left alone: {reason}")

    def _attempt(self, name: str, edit: Callable[[], bool], book: Callable[[str], None]) -> bool:
        try:
            if edit():
                self.done.append(name)
                book(name)
                self._save()
        except OSError as error:
            self.left_alone(name, why(error))
            return False
        return True

    def _load(self) -> set[str]:
        try:
            lines = read_bytes_bounded(self._list, 4096, follow=False).split(b"\n")
        except OSError:
            return set()
        return {name for name in _EDITABLE if name.encode() in lines}

    def _save(self) -> None:
        if self.mine:
            lines = "".join(f"{name}\n" for name in _EDITABLE if name in self.mine)
            write_if_changed(self._list, lines.encode(), mode=0o600, follow=False)
        else:
            with contextlib.suppress(FileNotFoundError):
                self._list.unlink()


def why(error: OSError) -> str:
    """The reason in an error of the file system, without the path."""
    return error.strerror or str(error)
