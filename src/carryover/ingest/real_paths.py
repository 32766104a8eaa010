"""Files of a project are stored under the path that the project has, whatever symlinks an agent reached them over.

A project is known by the real path of its root, while agents record paths as they were given them. Done once, when a
record is read: links may lead elsewhere later, and nothing after this looks at the disk for them. Blocks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

import msgspec

from carryover.model import AnyBody, Event, FileEdit, Op, ToolCall, ToolResult

_CHANGES_FILES: Final[frozenset[Op]] = frozenset(("edit", "write"))


class RealPaths:
    """Tells real paths. `roots` are real paths of the projects that are worked on; others' files stay as recorded."""

    def __init__(self, roots: Iterable[str]) -> None:
        self._tops = tuple({f"{root.rstrip('/')}/" for root in roots if root.startswith("/")})
        self._folders: dict[str, str] = {}

    def of_event(self, event: Event) -> Event:
        """The event, with the files that it changes named by their real paths."""
        body = self._of_body(event.body)
        return event if body is event.body else msgspec.structs.replace(event, body=body)

    def _of_body(self, body: AnyBody) -> AnyBody:
        if isinstance(body, FileEdit):
            path = self.of(body.path)
            old_path = self.of(body.old_path) if body.old_path is not None else None
            if (path, old_path) != (body.path, body.old_path):
                return msgspec.structs.replace(body, path=path, old_path=old_path)
        elif isinstance(body, ToolCall | ToolResult) and body.op in _CHANGES_FILES:
            subject = self.of(body.subject)
            if subject != body.subject:
                return msgspec.structs.replace(body, subject=subject)
        return body

    def of(self, path: str) -> str:
        """`path`, by the real path of its folder where that leads into a project. The file's own name stays: a link
        that is edited is what the agent named."""
        if not path.startswith("/") or "\0" in path or path.startswith(self._tops):
            return path
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        real = f"{self._folders[folder].rstrip('/')}/{name}"
        return real if real.startswith(self._tops) else path
