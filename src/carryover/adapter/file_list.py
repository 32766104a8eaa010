"""A list of files in the settings of an agent, as the editor of a syntax implements it."""

from __future__ import annotations

from typing import Protocol


class FileList(Protocol):
    """A list of files in the text of a settings file, as bytes. Pure.

    Every function raises `text.user_text.EditRefused` for a text that it does not understand with certainty.
    """

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
