"""A line of the journal: one place outside the state folder that has, or had, our text."""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.adapter.spec import Form
from carryover.text.user_text import UNKNOWN, Origin

INFO: Final = ".git/info/"
"""The folder of `info/exclude`, listed if it was made for that."""

InProject = Literal["text", "folder", "handoff", "once"]
"""What is in a project. text: our text in one of its files. folder: a folder made for a file of ours. handoff: a folder
that its handoff is written to, its own `.carryover` or one elsewhere; never `gone`. once: a file that had our text to
be committed, which is not written again under the same agreement (`carryover.publish.shared_pointers`)."""


class Listed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the journal: a place, and what is needed to take ours out of it."""

    path: str
    """Absolute."""
    form: Form | InProject
    """How our text is there: in an agent's settings, `Form`."""
    gone: bool = False
    """Whether nothing of ours is there any more."""
    before: str = ""
    """Fingerprint of what would be in the file without ours, when we wrote it last; empty if unknown, or if there would
    be no file."""
    after: str = ""
    """Fingerprint of the bytes that we wrote last; empty if unknown."""
    root: str = ""
    """The project that the place is in."""
    agent: str = ""
    """The agent whose settings it is."""
    script: str = ""
    """The script that the hooks there run."""
    key: str = ""
    """For the forms `list` and `server`: the name of the list."""
    entry: str = ""
    """For the form `list`: our entry."""
    origin: Origin = UNKNOWN
    """What else has to be brought back in an agent's settings."""
    repository: str = ""
    """For `once`: what the checkout has in common with others of its repository."""
    agreed_ms: int = 0
    """For `once`: the agreement under which it was written: see `ProjectSettings.agreed_ms`."""

    @property
    def is_server(self) -> bool:
        """Whether it is about an MCP server, which may be in one file with hooks or with an entry."""
        return self.form == "server"

    @property
    def name(self) -> str:
        """The path in the project."""
        return self.path.removeprefix(f"{self.root.rstrip('/')}/")

    @property
    def place(self) -> tuple[object, ...]:
        """What tells one place from another: the last line about a place holds."""
        kind = "settings" if not self.root and self.form not in ("server", "folder") else self.form
        return kind, self.root, self.path, self.repository, self.agreed_ms


def in_project(root: Path, name: str) -> Listed:
    """Returns the entry of a project's file, or of a folder, whose name ends with a slash."""
    form: InProject = "folder" if name.endswith("/") else "text"
    return Listed(path=str(root / name), form=form, root=str(root))


def handoff_folder(folder: Path | str, root: Path | str) -> Listed:
    """Returns the entry of a folder that a project's handoff is written to."""
    return Listed(path=str(folder), form="handoff", root=str(root))


def fingerprint(data: bytes | None) -> str:
    """Returns the fingerprint of a file's bytes; an empty one if there is no file."""
    from hashlib import sha256  # with OpenSSL: not at the top, for commands that write nothing

    return sha256(data).hexdigest() if data is not None else ""
