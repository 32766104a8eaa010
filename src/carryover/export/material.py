"""The raw material of a document about a project. Times are UTC ms, paths relative to the project's root."""

from __future__ import annotations

import msgspec

from carryover.distill.handoff import Handoff
from carryover.facts import GitFacts


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt or an answer in full, with its session and time."""

    session: str
    at_ms: int
    text: str


class ChangedText(msgspec.Struct, frozen=True, kw_only=True):
    """A file that differs from HEAD. `diff` is empty if it can't be shown (binary, too long, deleted, secret)."""

    path: str
    insertions: int
    deletions: int
    diff: str = ""
    new: bool = False
    """Whether HEAD does not have the file; not known without a diff."""
    gone: bool = False
    """Whether the file was deleted."""


class TextFile(msgspec.Struct, frozen=True, kw_only=True):
    """A possibly relevant file of the project, with its text."""

    path: str
    text: str
    edited_ms: int = 0
    """Time of an agent's last edit; 0 if unknown."""
    line: int | None = None
    """Line of that edit, 1-based."""
    references: int = 0
    """Number of mentions in the conversation."""
    changed: bool = False
    """Whether the file has uncommitted changes or is new."""


class GuidingFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that tells agents how to work here: instructions, rules, or a skill. Excludes Carryover's own block."""

    path: str
    text: str


class LeftOut(msgspec.Struct, frozen=True, order=True):
    """Something that is omitted from the document, and why."""

    what: str
    why: str


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """The material on a project. `handoff` is None if no agent has left a task there."""

    name: str
    now_ms: int
    about: str = ""
    """First paragraph of the project's README."""
    paths: tuple[str, ...] = ()
    """The project's files that git does not ignore, sorted; bounded."""
    handoff: Handoff | None = None
    git: GitFacts | None = None
    said: tuple[Said, ...] = ()
    """The prompts that the lines of the task are taken from."""
    last_answer: Said | None = None
    changes: tuple[ChangedText, ...] = ()
    files: tuple[TextFile, ...] = ()
    guidance: tuple[GuidingFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """Relevant files that may not be shown."""
