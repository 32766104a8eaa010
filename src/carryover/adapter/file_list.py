"""A list of files in the settings of an agent, as the editor of a syntax implements it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class FileList(Protocol):
    """A list, in settings at the top of a project, of files that the agent puts before the model in each session. Pure:
    it is given the text of the settings as bytes.

    Every function raises `text.user_text.EditRefused` for a text that it does not understand with certainty.
    """

    @property
    def name(self) -> str:
        """Name of the settings file."""

    @property
    def key(self) -> str:
        """The list's name in it, for people."""

    @property
    def user_file(self) -> str:
        """Path below the home folder of the user's settings for all projects, whose list counts only if the project's
        file has none."""

    def new_file(self, entry: str) -> bytes:
        """Returns a file that contains only the list."""

    def is_new_file(self, data: bytes, entry: str) -> bool:
        """Whether the file contains only the list with the entry."""

    def has_list(self, data: bytes) -> bool:
        """Whether the file has the list, even an empty one."""

    def has_entry(self, data: bytes, entry: str) -> bool:
        """Whether the list has the entry, in whatever form."""

    def entries_ending(self, data: bytes, end: str) -> list[str]:
        """Returns the entries that end in `end`, if their form is that of `with_entry`."""

    def with_entry(self, data: bytes, entry: str) -> bytes:
        """Returns the text with the entry in the list; unchanged if it is there already."""

    def without_entry(self, data: bytes, entry: str) -> bytes:
        """Returns the text without the entry, exactly as it was before `with_entry`."""
