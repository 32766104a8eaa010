"""All that a document about a project may be made of. Times are UTC ms, paths relative to the project's root."""

from __future__ import annotations

import msgspec

from carryover.distill.handoff import Handoff
from carryover.facts import GitFacts


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt or an answer in full, by the session and the time of it."""

    session: str
    at_ms: int
    text: str


class ChangedText(msgspec.Struct, frozen=True, kw_only=True):
    """A file with uncommitted changes. `diff` is empty if it can't be shown (binary, too long, deleted)."""

    path: str
    insertions: int
    deletions: int
    diff: str = ""
    gone: bool = False
    """Whether it was deleted."""


class TextFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the project that may matter, with its text."""

    path: str
    text: str
    edited_ms: int = 0
    """Time of the last edit by an agent; 0 if none is known."""
    line: int | None = None
    """Where, 1-based."""
    references: int = 0
    """How often the work names it."""
    changed: bool = False
    """Whether it has uncommitted changes or is new."""


class GuidingFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that tells agents how to work here: instructions, rules, or a skill. Without Carryover's own block."""

    path: str
    text: str


class LeftOut(msgspec.Struct, frozen=True, order=True):
    """Something that is not in the document, and why."""

    what: str
    why: str


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """Material on a project. `handoff` is None if no agent has left a task there."""

    name: str
    now_ms: int
    about: str = ""
    """First paragraph of its README."""
    paths: tuple[str, ...] = ()
    """Files of the project that git does not ignore, sorted; bounded."""
    handoff: Handoff | None = None
    git: GitFacts | None = None
    said: tuple[Said, ...] = ()
    """Prompts that the lines of the task come from."""
    last_answer: Said | None = None
    changes: tuple[ChangedText, ...] = ()
    files: tuple[TextFile, ...] = ()
    guidance: tuple[GuidingFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """Files that would matter and may not be shown."""
